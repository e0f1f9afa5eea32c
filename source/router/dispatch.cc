#include "source/router/dispatch.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "weir/grpc.h"

namespace weir::router {
namespace {

using std::chrono::milliseconds;

const HeaderName kAttemptCount = *HeaderName::parse("x-envoy-attempt-count");
const HeaderName kIsTimeoutRetry = *HeaderName::parse("x-envoy-is-timeout-retry");

// 0 is none.
milliseconds nearer(milliseconds a, milliseconds b) {
  if (a.count() == 0 || b.count() == 0) return std::max(a, b);
  return std::min(a, b);
}

// What the head says of the attempt; `elapsed` of the time for all of them.
void addAttemptFields(const Route& route, Fields& fields, uint32_t number, const Timeouts& timeouts,
                      milliseconds elapsed) {
  if (route.host->count_attempts_in_request) fields.set(kAttemptCount, std::to_string(number));
  if (!timeouts.told && !timeouts.told_grpc) return;
  milliseconds expected = nearer(timeouts.each, timeouts.whole);
  if (expected.count() == 0) return;
  if (elapsed.count() != 0 && timeouts.whole.count() != 0) {
    expected = std::max(std::min(expected, timeouts.whole - elapsed), milliseconds(1));
  }
  if (timeouts.told_grpc) grpc::limitTimeout(fields, expected);
  if (!timeouts.told) return;
  const ClusterAction& action = *route.cluster();
  if (expected == action.timeout) {  // written when the route was made
    return fields.setView(HeaderId::XEnvoyExpectedRqTimeoutMs, action.timeout_text);
  }
  char text[24];
  const auto done = std::to_chars(text, text + sizeof text, expected.count());
  fields.set(HeaderId::XEnvoyExpectedRqTimeoutMs, {text, static_cast<size_t>(done.ptr - text)});
}

void addTries(const Route& route, RequestHead& head, const Terms& terms, Destination& to) {
  const ClusterAction& action = *route.cluster();
  Steering steering;
  if (terms.steered) steering = Steering::take(head);
  if (steering.timeout) to.timeouts.whole = nearer(*steering.timeout, terms.at_most);
  auto tries = std::make_unique<Tries>(action.retry.get(), std::move(steering), head,
                                       to.cluster->cluster(), action.priority, to.timeouts.whole,
                                       route.body_limit.of(terms.buffer_limit));
  if (!tries->needed()) return;
  to.timeouts.each = tries->perTryTimeout();
  to.tries = std::move(tries);
}

// The fields of a reply that the route asks for: its header operations apply. An operator wrote the
// body: it is sent as it is.
Fields* replyFields(const Route* route, std::string_view location, std::string_view body,
                    const StreamInfo& info, Arena& arena) {
  auto* head = arena.make<ResponseHead>(arena);
  if (!location.empty()) head->fields.addView(HeaderId::Location, location);
  if (!body.empty()) head->fields.addView(HeaderId::ContentType, "text/plain");
  if (route != nullptr) route->prepareResponse(*head, info, arena);
  return &head->fields;
}

}  // namespace

Destination aim(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                cluster::WorkerClusters& clusters, uint64_t random, const Terms& terms) {
  const ClusterAction& action = *route.cluster();
  const ClusterChoice choice = action.choose(head, random, terms.picked);
  const uint32_t slot = choice.slot != kNoCluster ? choice.slot : clusters.slotOf(choice.name);
  Destination to{.cluster = clusters.find(slot, random),
                 .name = choice.name,
                 .weighted = choice.weighted,
                 .wanted = action.wantedOf(choice.weighted),
                 .timeouts = {},
                 .tries = nullptr};
  if (to.cluster == nullptr) return to;
  to.timeouts.whole = nearer(action.timeout, terms.at_most);
  if (action.grpc_timeout != nullptr && grpc::isGrpc(head.fields)) {
    to.timeouts.whole = nearer(action.grpc_timeout->of(head.fields), terms.at_most);
    to.timeouts.told_grpc = true;
  }
  to.timeouts.told = terms.envoy_headers;
  if (action.retry != nullptr || terms.steered) addTries(route, head, terms, to);
  addAttemptFields(route, head.fields, 1, to.timeouts, milliseconds(0));
  route.prepareRequest(head, info, arena,
                       {.weighted = choice.weighted, .envoy_headers = terms.envoy_headers});
  if (terms.scheme_matches_upstream) {
    head.scheme = to.cluster->cluster().settings().tls != nullptr ? "https" : "http";
  }
  return to;
}

void prepareAttempt(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                    const Timeouts& timeouts, std::string_view host_name) {
  if (route.cluster()->auto_host_rewrite && !host_name.empty()) {
    head.authority = arena.copy(host_name);
  }
  if (info.attempts <= 1) return;
  if (route.host->mark_timeout_retries) {
    const bool late = info.upstream_failure.kind == FailureKind::Timeout;
    head.fields.setView(kIsTimeoutRetry, late ? "true" : "false");
  }
  // The time for all attempts begins with the request's last byte.
  const bool begun = info.last_downstream_rx != SteadyTime();
  const auto elapsed = begun ? info.first_upstream_tx - info.last_downstream_rx : milliseconds(0);
  addAttemptFields(route, head.fields, info.attempts, timeouts,
                   std::chrono::duration_cast<milliseconds>(elapsed));
}

RouteReply answer(const Match& match, const RequestHead& head, const StreamInfo& info,
                  Arena& arena) {
  RouteReply reply;
  if (match.kind == Match::Kind::TlsRequired) {
    reply = {RouteReply::Kind::Https, 301, {}, "https_redirect", nullptr};
    reply.fields = replyFields(match.route, tlsLocation(head, arena), {}, info, arena);
    return reply;
  }
  if (match.route == nullptr) return reply;
  const std::string_view location = match.route->location(head, info, arena);
  if (const DirectResponse* direct = match.route->direct()) {
    reply = {RouteReply::Kind::Direct, direct->status, direct->body, "direct_response", nullptr};
  } else {
    const uint16_t status = match.route->redirect()->status();
    reply = {RouteReply::Kind::Redirect, status, {}, "direct_response", nullptr};
  }
  reply.fields = replyFields(match.route, location, reply.body, info, arena);
  return reply;
}

}  // namespace weir::router
