#include "source/stream/async_call.h"

#include <algorithm>

#include "source/codec/hop_by_hop.h"
#include "source/router/dispatch.h"
#include "source/router/forward.h"
#include "source/stream/hcm_plan.h"
#include "source/stream/waits.h"
#include "source/stream/wakeup.h"
#include "weir/task.h"

namespace weir::stream {
namespace {

Failure refused(std::string_view detail) {
  return {Side::Weir, FailureKind::ConnectFailed, Retry::Never, detail};
}

// Nothing a filter takes from outside may end a line of the head.
bool isTarget(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

class Call final : public PendingWork<CallResult>, router::ForwardUser, net::TimerUser {
 public:
  Call(Services& services, CallRequest request, const Caller& caller)
      : services_(services),
        caller_(caller),
        request_(std::move(request)),
        random_(services.random.next()),
        arena_(services.chunks),
        wakeup_(services.loop),
        timer_(*this),
        head_(arena_),
        forward_(*this, info_) {
    if (!makeHead()) return;
    request_.cluster.empty() ? followRoutes() : goTo(destination());
  }

  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  CallResult take() override { return std::move(result_); }

 private:
  bool makeHead();
  bool addFields();
  router::Destination destination();
  void knowCaller();
  void followRoutes();
  void goTo(router::Destination to);
  bool awaitCluster(std::string_view name);
  Task<Done> goAfter(Pending<void> coming);
  void answerFromRoute(const router::RouteReply& reply);

  void fail(const Failure& failure);
  void succeed() {
    timer_.disarm();
    wakeup_.fire();
  }
  void takeFields(const Fields& fields) {
    for (const Field& field : fields) result_.fields.emplace_back(field.name(), field.value());
  }

  void onForwardInterim(ResponseHead&) override {}
  void onForwardHead(ResponseHead& head, bool end) override;
  void onForwardBody(std::string_view data, bool end) override;
  void onForwardTrailers(Fields&) override { succeed(); }
  void onForwardFailure(const router::ForwardFailure& failure) override { fail(failure.failure); }
  void onForwardWritable() override {}
  void onForwardEndpoint(std::string_view host_name) override {
    if (route_ == nullptr) return;
    router::prepareAttempt(*route_, head_, info_, arena_, timeouts_, host_name);
  }
  void onForwardAttempt(const Attempt&) override {}
  Arena& forwardArena() override { return arena_; }
  void onTimer() override {
    forward_.countTimeout();
    fail({Side::Upstream, FailureKind::Timeout, Retry::Never, "call timed out"});
  }

  Services& services_;
  const Caller caller_;
  CallRequest request_;
  const uint64_t random_;
  Arena arena_;
  Wakeup wakeup_;
  net::Timer timer_;
  StreamInfo info_;
  RequestHead head_;
  const router::Route* route_ = nullptr;  // null: the request names its cluster
  const router::WeightedCluster* weighted_ = nullptr;
  router::Timeouts timeouts_;
  router::Forward forward_;
  CallResult result_;
  SteadyTime latest_ = SteadyTime::max();  // of its end, where it waited for its cluster
  std::optional<Task<Done>> awaiting_;     // … once
};

// False: failed.
bool Call::makeHead() {
  if (request_.authority.empty() && caller_.info != nullptr && request_.cluster.empty()) {
    request_.authority = caller_.info->request->authority;
  }
  head_.setMethod(request_.method);
  head_.path = request_.path;
  head_.authority = request_.authority.empty() ? request_.cluster : request_.authority;
  head_.scheme = "http";
  const bool legal = isToken(request_.method) && !head_.path.empty() && isTarget(head_.path) &&
                     isTarget(head_.authority) && addFields();
  if (!legal) fail({Side::Weir, FailureKind::ProtocolError, Retry::Never, "no legal request"});
  return legal;
}

// Also those that were copied from a client's request: what belongs to its connection or to its
// body must not frame this one.
bool Call::addFields() {
  for (const auto& [name, value] : request_.fields) {
    if (!isToken(name) || !isFieldValue(value)) return false;
    head_.fields.add(name, value);
  }
  if (codec::stripHopByHop(head_.fields, codec::MessageType::Request)) return false;
  head_.fields.remove(HeaderId::ContentLength);
  head_.fields.remove(HeaderId::Expect);
  if (!request_.body.empty()) {
    head_.fields.set(HeaderId::ContentLength, std::to_string(request_.body.size()));
  }
  return true;
}

router::Destination Call::destination() {
  if (route_ != nullptr) {
    router::Terms terms = caller_.plan->terms();
    // Filters are trusted: what came from outside is gone from what they copy.
    terms.steered = true;
    terms.at_most = request_.timeout;
    return router::aim(*route_, head_, info_, arena_, services_.clusters, random_, terms);
  }
  router::Destination to;
  to.name = request_.cluster;
  to.cluster = services_.clusters.find(services_.clusters.slotOf(request_.cluster), random_);
  to.timeouts.whole = request_.timeout;
  return to;
}

// What formats of the route's header changes may ask for.
void Call::knowCaller() {
  const StreamInfo& stream = *caller_.info;
  info_.start = info_.last_downstream_rx = services_.loop.now();
  info_.start_wall = stream.start_wall +
                     std::chrono::duration_cast<WallTime::duration>(info_.start - stream.start);
  info_.connection_id = stream.connection_id;
  info_.stream_id = stream.stream_id;
  info_.request_id = stream.request_id;
  info_.remote = stream.remote;
  info_.direct_remote = stream.direct_remote;
  info_.local = stream.local;
  info_.dynamic_metadata = stream.dynamic_metadata;
  info_.request = &head_;
}

void Call::followRoutes() {
  if (caller_.plan == nullptr) return fail(refused("no cluster is named, and there are no routes"));
  knowCaller();
  if (caller_.plan->paths.apply(head_, arena_).kind != PathVerdict::Kind::Ok) {
    return fail({Side::Weir, FailureKind::ProtocolError, Retry::Never, "path refused"});
  }
  const router::Match match = caller_.plan->routes->find({.head = head_, .random = random_});
  if (match.virtual_host != nullptr) {
    info_.virtual_host = match.virtual_host->name;
    info_.virtual_host_metadata = match.virtual_host->config.metadata();
  }
  if (match.route == nullptr || match.route->cluster() == nullptr) {
    return answerFromRoute(router::answer(match, head_, info_, arena_));
  }
  route_ = match.route;
  info_.route_name = route_->name;
  info_.route_metadata = route_->config.metadata();
  goTo(destination());
}

void Call::goTo(router::Destination to) {
  if (to.cluster == nullptr) {
    if (!awaiting_ && awaitCluster(to.name)) return;
    return fail(refused("no such cluster"));
  }
  weighted_ = to.weighted;
  timeouts_ = to.timeouts;
  if (timeouts_.whole.count() != 0) {
    const SteadyTime end = services_.loop.now() + timeouts_.whole;
    timer_.arm(services_.loop.timers(), std::min(end, latest_));
  }
  const auto priority =
      route_ == nullptr ? cluster::Priority::Default : route_->cluster()->priority;
  forward_.want(to.wanted);
  forward_.start(*to.cluster, services_.loop, head_, request_.body.empty(), random_, priority,
                 std::move(to.tries));
  if (!request_.body.empty() && !wakeup_.done()) forward_.body(request_.body, true);
}

// False: it is of no use.
bool Call::awaitCluster(std::string_view name) {
  std::optional<Pending<void>> coming = untilCluster(services_, name);
  if (!coming) return false;
  if (request_.timeout.count() != 0) {
    latest_ = services_.loop.now() + request_.timeout;
    timer_.arm(services_.loop.timers(), latest_);
  }
  awaiting_.emplace(goAfter(*std::move(coming)));
  awaiting_->start();
  return true;
}

Task<Done> Call::goAfter(Pending<void> coming) {
  co_await coming;
  if (!wakeup_.done()) goTo(destination());
  co_return Done{};
}

void Call::answerFromRoute(const router::RouteReply& reply) {
  if (reply.kind == router::RouteReply::Kind::NoRoute) return fail(refused("no route"));
  result_.status = reply.status;
  result_.body = reply.body;
  takeFields(*reply.fields);
  succeed();
}

void Call::fail(const Failure& failure) {
  if (wakeup_.done()) return;
  result_ = {};
  result_.failure = failure;
  timer_.disarm();
  forward_.cancel();
  wakeup_.fire();
}

void Call::onForwardHead(ResponseHead& head, bool end) {
  if (codec::stripHopByHop(head.fields, codec::MessageType::Response)) {
    return fail({Side::Upstream, FailureKind::ProtocolError, Retry::Never, "bad Connection field"});
  }
  if (route_ != nullptr) route_->prepareResponse(head, info_, arena_, weighted_);
  result_.status = head.status;
  takeFields(head.fields);
  if (end) succeed();
}

void Call::onForwardBody(std::string_view data, bool end) {
  if (result_.body.size() + data.size() > request_.max_response_body) {
    return fail(
        {Side::Upstream, FailureKind::LimitExceeded, Retry::Never, "response body too large"});
  }
  result_.body.append(data);
  if (end) succeed();
}

}  // namespace

Pending<CallResult> callThrough(Services& services, CallRequest request, const Caller& caller) {
  return Pending<CallResult>(std::make_unique<Call>(services, std::move(request), caller));
}

}  // namespace weir::stream
