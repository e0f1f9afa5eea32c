#include "source/router/route.h"

#include "source/router/virtual_host.h"

namespace weir::router {
namespace {

// The later level wins where two set the same field. Envoy's default order ends with the least
// specific one; a weighted cluster always comes first.
template <typename Apply>
void forEachLevel(const Route& route, const WeightedCluster* weighted, Apply apply) {
  if (weighted != nullptr) apply(weighted->headers);
  const VirtualHost& host = *route.host;
  if (host.most_specific_wins) {
    apply(*host.table_headers);
    apply(host.headers);
    apply(route.headers);
  } else {
    apply(route.headers);
    apply(host.headers);
    apply(*host.table_headers);
  }
}

}  // namespace

void Route::changeRequest(RequestHead& head, const StreamInfo& info, Arena& arena,
                          const Preparation& how) const {
  forEachLevel(*this, how.weighted, [&](const HeaderLevel& level) {
    if (!level.request.empty()) level.request.apply(head.fields, info, arena);
  });
  const ClusterAction* action = cluster();
  if (action == nullptr) return;
  // As in Envoy, a weighted cluster's host is set without a note of the old one.
  if (how.weighted != nullptr && !how.weighted->host_rewrite.empty()) {
    head.authority = how.weighted->host_rewrite;
  }
  const std::string_view new_host = action->host_rewrite.apply(head, info, arena);
  if (!new_host.empty()) {
    replaceAuthority(head, new_host, action->append_x_forwarded_host, how.envoy_headers, arena);
  }
  if (action->path_rewrite.empty()) return;
  const auto new_path =
      action->path_rewrite.apply(head.path, match.rule.matchedSize(head.path), info, arena);
  if (!new_path) return;
  if (how.envoy_headers) head.fields.setView(HeaderId::XEnvoyOriginalPath, head.path);
  head.path = *new_path;
}

void Route::changeResponse(ResponseHead& head, const StreamInfo& info, Arena& arena,
                           const WeightedCluster* weighted) const {
  forEachLevel(*this, weighted, [&](const HeaderLevel& level) {
    if (!level.response.empty()) level.response.apply(head.fields, info, arena);
  });
}

std::string_view Route::location(const RequestHead& head, const StreamInfo& info,
                                 Arena& arena) const {
  if (const Redirect* target = redirect()) {
    return target->location(head, match.rule.matchedSize(head.path), info, arena);
  }
  const DirectResponse* response = direct();
  if (response == nullptr) return {};
  const bool names_itself = response->status == 201 || response->status / 100 == 3;
  return names_itself ? arena.concat(head.scheme, "://", head.authority, head.path)
                      : std::string_view();
}

}  // namespace weir::router
