#include "source/router/dispatch.h"

#include <charconv>
#include <string>

namespace weir::router {
namespace {

const HeaderName kAttemptCount = *HeaderName::parse("x-envoy-attempt-count");

void addEnvoyHeaders(const Route& route, RequestHead& head) {
  const auto timeout = route.cluster()->timeout;
  if (timeout.count() != 0) {
    char text[24];
    const auto done = std::to_chars(text, text + sizeof text, timeout.count());
    head.fields.set(HeaderId::XEnvoyExpectedRqTimeoutMs,
                    {text, static_cast<size_t>(done.ptr - text)});
  }
  if (route.host->count_attempts_in_request) head.fields.setView(kAttemptCount, "1");
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
  const ClusterChoice choice = route.cluster()->choose(head, random, terms.picked);
  const uint32_t slot = choice.slot != kNoCluster ? choice.slot : clusters.slotOf(choice.name);
  const Destination to{clusters.find(slot, random), choice.name, choice.weighted};
  if (to.cluster == nullptr) return to;
  if (terms.envoy_headers) addEnvoyHeaders(route, head);
  route.prepareRequest(head, info, arena,
                       {.weighted = choice.weighted, .envoy_headers = terms.envoy_headers});
  if (terms.scheme_matches_upstream) head.scheme = "http";  // to clusters there is no TLS
  return to;
}

void prepareAttempt(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                    std::string_view host_name) {
  if (route.cluster()->auto_host_rewrite && !host_name.empty()) {
    head.authority = arena.copy(host_name);
  }
  if (info.attempts > 1 && route.host->count_attempts_in_request) {
    head.fields.set(kAttemptCount, std::to_string(info.attempts));
  }
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
