// The way down: from the connection through the request lane to the cluster. The way back is in
// exchange_response.cc.
#include "source/stream/exchange.h"

#include "source/codec/hop_by_hop.h"
#include "source/router/dispatch.h"
#include "source/stream/async_call.h"
#include "source/stream/scopes.h"
#include "source/stream/shedding.h"
#include "source/stream/waits.h"
#include "source/transport/connection_facts.h"
#include "weir/grpc.h"

namespace weir::stream {
namespace {

// Reasons for which the request's source is paused.
constexpr uint8_t kLaneHolds = 1;
constexpr uint8_t kUpstreamSlow = 2;

telemetry::RouteOutcome outcomeOf(router::Rejection rejection) {
  using router::Rejection;
  using telemetry::RouteOutcome;
  switch (rejection) {
    case Rejection::None:
      return RouteOutcome::Chosen;
    case Rejection::Path:
      return RouteOutcome::Path;
    case Rejection::RuntimeFraction:
      return RouteOutcome::Runtime;
    case Rejection::Grpc:
      return RouteOutcome::Grpc;
    case Rejection::Header:
      return RouteOutcome::Header;
    case Rejection::QueryParameter:
      return RouteOutcome::Query;
    case Rejection::Cookie:
      return RouteOutcome::Cookie;
    case Rejection::TlsContext:
      return RouteOutcome::Tls;
  }
  return RouteOutcome::Disabled;
}

uint32_t microsBetween(SteadyTime from, SteadyTime to) {
  return static_cast<uint32_t>((to - from) / std::chrono::microseconds(1));
}

// The plan of the request's scope; without a scope the manager's, in which no route is found. What
// the scope lets nobody say from outside must not choose it either, so the choice is made again
// without.
std::shared_ptr<const HcmPlan> inScope(const std::shared_ptr<const HcmPlan>& plan,
                                       RequestHead& head, bool is_internal) {
  const HcmPlan* found = plan->scopes->find(head);
  if (found != nullptr && !is_internal) {
    size_t removed = 0;
    for (const HeaderName& name : found->routes->internalOnlyHeaders()) {
      removed += head.fields.remove(name);
    }
    if (removed != 0) found = plan->scopes->find(head);
  }
  if (found == nullptr) return plan;
  // The manager's plan holds it, and its count is this worker's own.
  return {plan, found};
}

}  // namespace

Exchange::Exchange(Services& services, std::shared_ptr<const HcmPlan> plan, ExchangeOwner& owner,
                   codec::ServerStream& server)
    : services_(services),
      plan_(std::move(plan)),
      owner_(owner),
      server_(server),
      arena_(services.chunks),
      request_lane_(*this),
      response_lane_(*this),
      forward_(*this, info_),
      timer_(*this) {
  request_ = arena_.make<RequestHead>(arena_);
  info_.start_wall = std::chrono::system_clock::now();
  info_.start = last_activity_ = services_.loop.now();
  info_.stream_id = ++services_.next_stream_id;
  const Downstream client = owner_.downstream();
  info_.connection_id = client.connection_id;
  info_.direct_remote = info_.remote = client.remote;
  info_.local = client.local;
  info_.tls = client.tls;
  if (info_.tls != nullptr) info_.requested_server_name = info_.tls->server_name;
  info_.request = request_;
  info_.dynamic_metadata = &metadata_;
  if (const transport::ConnectionFacts* facts = client.facts) {
    if (!facts->server_name.empty()) info_.requested_server_name = facts->server_name;
    for (const auto& fact : facts->metadata.all()) {
      metadata_.set(fact.space, fact.key, fact.value, arena_);
    }
  }
  plan_->stats.rq_total.add();
  plan_->stats.rq_active.add();
}

Exchange::~Exchange() {
  if (chain_ == nullptr) return;
  for (size_t i = 0; i < chain_->size(); ++i) filters_[i]->~Filter();
}

void Exchange::start(bool end) {
  info_.protocol = request_->protocol;
  idle_timeout_ = plan_->stream_idle_timeout;
  max_duration_ = plan_->max_stream_duration;
  if (end) onRequestComplete();
  armTimer();
  if (refusesRequest(services_, *plan_)) {
    return localReply(overloadedReply(*plan_, request_complete_, arena_));
  }
  if (!prepareRequest()) return;
  const bool asks = request_->upgrade || request_->method == Method::Connect;
  openLanes(asks ? admitTunnel() : plan_->chains);
  if (ask_.state == TunnelAsk::Refused) return localReply(kUpgradeFailed);
  request_lane_.head(*request_, end);
}

// False: a reply was made instead.
bool Exchange::prepareRequest() {
  const auto upgrade = request_->upgrade ? codec::UpgradeField::Keep : codec::UpgradeField::Strip;
  if (const auto error =
          codec::stripHopByHop(request_->fields, codec::MessageType::Request, upgrade)) {
    onRequestError(error);
    return false;
  }
  const std::array<uint64_t, 2> random{services_.random.next(), services_.random.next()};
  const Sender sender = plan_->forwarding.applyRequest(
      *request_, info_, plan_->forwarding.clientFacts(info_, arena_), arena_);
  forces_trace_ = sender.forces_trace;
  steered_ = sender.steers;
  if (plan_->scopes != nullptr) plan_ = inScope(plan_, *request_, sender.is_internal);
  if (!sender.is_internal) {
    for (const HeaderName& name : plan_->routes->internalOnlyHeaders())
      request_->fields.remove(name);
  }
  info_.request_id = plan_->ids.apply(*request_, sender.is_edge, random, arena_);
  const PathVerdict path = plan_->paths.apply(*request_, arena_);
  if (path.kind != PathVerdict::Kind::Ok) {
    const bool redirect = path.kind == PathVerdict::Kind::Redirect;
    (redirect ? plan_->stats.rq_redirected_with_normalized_path
              : plan_->stats.rq_failed_path_normalization)
        .add();
    if (redirect) {
      Fields* fields = arena_.make<Fields>(arena_);
      fields->addView(HeaderId::Location, path.location);
      localReply({.status = 307,
                  .body = {},
                  .details = path.details,
                  .flag = {},
                  .fields = fields,
                  .close = false});
    } else {
      localReply({.status = 400,
                  .body = {},
                  .details = path.details,
                  .flag = {},
                  .fields = nullptr,
                  .close = false});
    }
    return false;
  }
  random_ = random[0];
  random_ = services_.random.next();
  findRoute(random_);
  return true;
}

void Exchange::findRoute(uint64_t random) {
  router::Candidates looked_at;
  const router::Match match = plan_->routes->find(
      {.head = *request_,
       .random = random,
       .is_tls = info_.tls != nullptr,
       .certificate_presented = info_.tls != nullptr && info_.tls->hasPeer(),
       .certificate_validated = info_.tls != nullptr && info_.tls->peer_validated},
      &looked_at);
  for (uint32_t i = 0; i < looked_at.size(); ++i) {
    record_.addCandidate(looked_at.at(i).order, outcomeOf(looked_at.at(i).why));
  }
  match_ = match.kind;
  route_ = match.route;
  virtual_host_ = match.virtual_host;
  if (virtual_host_ != nullptr) {
    info_.virtual_host = virtual_host_->name;
    info_.virtual_host_metadata = virtual_host_->config.metadata();
  }
  if (route_ == nullptr) return;
  info_.route_metadata = route_->config.metadata();
  record_.addCandidate(route_->order, telemetry::RouteOutcome::Chosen);
  info_.route_name = route_->name;
  if (const router::ClusterAction* action = route_->cluster()) {
    if (!action->idle_timeout && action->duration == nullptr) return;
    idle_timeout_ = action->idle_timeout.value_or(idle_timeout_);
    if (action->duration != nullptr) {
      max_duration_ = action->duration->of(request_->fields, max_duration_);
    }
    armTimer();
  }
}

void Exchange::onLaneVerdict(size_t slot, Verdict::Kind verdict, bool waited) {
  using telemetry::FilterOutcome;
  // Told when the wait is over, and when the body has been gathered.
  if (verdict == Verdict::Kind::Wait || verdict == Verdict::Kind::Gather) return;
  const FilterOutcome outcome = verdict == Verdict::Kind::Reply ? FilterOutcome::Replied
                                : waited                        ? FilterOutcome::Waited
                                                                : FilterOutcome::Passed;
  record_.addVerdict(static_cast<uint8_t>(slot), outcome, microsBetween(info_.start, now()));
}

// Before a head is sent to the endpoint that was chosen, again for each try.
void Exchange::onForwardEndpoint(std::string_view host_name) {
  router::prepareAttempt(*route_, *request_, info_, arena_, timeouts_, host_name);
}

void Exchange::onForwardAttempt(const Attempt& attempt) {
  record_.addAttempt(attempt.endpoint, attempt.failure.kind, microsBetween(info_.start, now()));
  if (!chain_->wantsAttempts()) return;
  for (size_t i = 0; i < chain_->size(); ++i) filters_[i]->onAttempt(attempt, *this);
}

void Exchange::openLanes(const Chains& chains) {
  chain_ = &chains.of(route_);
  if (!chains.by_cluster.empty()) {
    weighted_ = plan_->pick(route_, *request_, random_);
    chain_ = &chains.of(weighted_, *chain_);
  }
  const size_t size = chain_->size();
  filters_ = static_cast<Filter**>(arena_.allocate(size * sizeof(Filter*), alignof(Filter*)));
  for (size_t i = 0; i < size; ++i) {
    const ChainSlot& slot = chain_->slot(i);
    filters_[i] = slot.type->place(arena_, slot.plan.get());
  }
  request_lane_.open(*chain_, filters_, *this);
  response_lane_.open(*chain_, filters_, *this);
}

void Exchange::onRequestBody(std::string_view data, bool end) {
  last_activity_ = services_.loop.now();
  info_.bytes_received += data.size();
  if (end) onRequestComplete();
  request_lane_.body(data, end);
}

void Exchange::onRequestTrailers(Fields& trailers) {
  onRequestComplete();
  request_lane_.trailers(trailers);
}

void Exchange::onRequestComplete() {
  request_complete_ = true;
  info_.last_downstream_rx = services_.loop.now();
  if (forwarded_ && timeouts_.whole.count() != 0) armTimer();
}

void Exchange::onLaneHead(Direction direction, bool end) {
  direction == Direction::Request ? forwardRequest(end) : writeHead(end);
}

void Exchange::onLaneBody(Direction direction, std::string_view data, bool end) {
  if (direction == Direction::Response) return writeBody(data, end);
  if (!forwarded_) return;
  forward_.body(data, end);
  if (forwarded_ && forward_.congested()) pauseRequest(true, kUpstreamSlow);
}

void Exchange::onLaneTrailers(Direction direction, Fields& trailers) {
  if (direction == Direction::Request) {
    if (forwarded_) forward_.trailers(trailers);
    return;
  }
  response_written_ = true;
  server_.sendTrailers(trailers);
  finish();
}

void Exchange::onLanePause(Direction direction, bool pause) {
  if (direction == Direction::Request) return pauseRequest(pause, kLaneHolds);
  pause ? forward_.pauseResponse() : forward_.resumeResponse();
}

void Exchange::onForwardWritable() { pauseRequest(false, kUpstreamSlow); }

void Exchange::pauseRequest(bool pause, uint8_t reason) {
  const uint8_t before = request_pauses_;
  request_pauses_ = pause ? before | reason : before & static_cast<uint8_t>(~reason);
  if (before == 0 && request_pauses_ != 0) server_.pauseRequest();
  if (before != 0 && request_pauses_ == 0) server_.resumeRequest();
}

// The request has passed every filter: do what its route says.
void Exchange::forwardRequest(bool end) {
  if (route_ != nullptr) {
    if (route_->cluster() != nullptr) return sendToCluster(end);
    plan_->stats.routed.add();
  }
  const router::RouteReply reply =
      router::answer({match_, virtual_host_, route_}, *request_, info_, arena_);
  using Kind = router::RouteReply::Kind;
  if (reply.kind == Kind::NoRoute) plan_->stats.no_route.add();
  if (reply.kind == Kind::Direct) plan_->stats.rq_direct_response.add();
  if (reply.kind == Kind::Redirect) plan_->stats.rq_redirect.add();
  LocalReply local{.status = reply.status,
                   .body = reply.body,
                   .details = reply.details,
                   .flag = {},
                   .fields = reply.fields,
                   .close = false};
  if (reply.kind == Kind::NoRoute) local.flag = ResponseFlag::NoRouteFound;
  localReply(local);
}

void Exchange::sendToCluster(bool end) {
  const router::ClusterAction& action = *route_->cluster();
  router::Terms terms = plan_->terms();
  terms.steered = steered_;
  terms.picked = weighted_;
  if (max_duration_.count() != 0 && grpc::isGrpc(request_->fields)) {
    grpc::limitTimeout(request_->fields, max_duration_);
  }
  router::Destination to =
      router::aim(*route_, *request_, info_, arena_, services_.clusters, random_, terms);
  weighted_ = to.weighted;
  if (to.cluster == nullptr && !std::exchange(awaited_, true)) {
    if (auto coming = untilCluster(services_, to.name)) {
      return request_lane_.comeAgain(*std::move(coming));
    }
  }
  plan_->stats.routed.add();
  if (to.cluster == nullptr) {
    plan_->stats.no_cluster.add();
    info_.cluster = to.name;
    LocalReply reply{.status = action.cluster_not_found_status,
                     .body = {},
                     .details = "cluster_not_found",
                     .flag = ResponseFlag::NoClusterFound,
                     .fields = nullptr,
                     .close = false};
    return localReply(reply);
  }
  timeouts_ = to.timeouts;
  forwarded_ = true;
  if (request_->method == Method::Connect && endsConnect(action)) forward_.endConnect();
  if (request_complete_ && timeouts_.whole.count() != 0) armTimer();
  forward_.want(to.wanted);
  forward_.start(*to.cluster, services_.loop, *request_, end, random_, action.priority,
                 std::move(to.tries));
}

Pending<void> Exchange::sleep(std::chrono::microseconds wait) {
  return sleepOn(services_.loop, wait);
}

Pending<CallResult> Exchange::call(CallRequest request) {
  return callThrough(services_, std::move(request), {plan_.get(), &info_});
}

Pending<ByteReply> Exchange::exchange(ByteRequest request) {
  return exchangeBytes(services_, std::move(request));
}

Pending<bool> Exchange::until(Signal& signal, std::chrono::milliseconds limit) {
  return untilRaised(services_.loop, signal, limit);
}

std::string_view Exchange::routeCluster() const {
  const router::ClusterAction* action = route_ == nullptr ? nullptr : route_->cluster();
  return action == nullptr ? std::string_view()
                           : action->choose(*request_, random_, weighted_).name;
}

const StatScope* Exchange::routeClusterStats() const {
  const cluster::WorkerCluster* cluster =
      services_.clusters.find(services_.clusters.slotOf(routeCluster()), random_);
  return cluster == nullptr ? nullptr : &cluster->cluster().statScope();
}

// Who is degraded counts as healthy: it serves, if it must.
std::optional<ClusterHealth> Exchange::clusterHealth(std::string_view name) const {
  const cluster::WorkerCluster* cluster =
      services_.clusters.find(services_.clusters.slotOf(name), random_);
  if (cluster == nullptr) return std::nullopt;
  return ClusterHealth{cluster->members().all, cluster->members().available()};
}

void Exchange::setMetadata(std::string_view space, std::string_view key, std::string_view value) {
  metadata_.set(space, key, value, arena_);
}

std::string_view Exchange::metadata(std::string_view space, std::string_view key) const {
  return metadata_.get(space, key);
}

}  // namespace weir::stream
