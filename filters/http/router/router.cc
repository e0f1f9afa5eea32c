// The router filter: the chain's last. Its work is done by the stream, through source/router; here
// is only its configuration.
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "weir/filter_registry.h"
#include "weir/router_plan.h"

namespace weir::filters::router {
namespace {

using envoy::extensions::filters::http::router::v3::Router;

struct Plan : RouterPlan {
  static Result<Plan> from(const Router& proto, PlanBuild& build) {
    // Statistics by upstream status are always kept; they cost one addition.
    if (proto.upstream_http_filters_size() != 0) {
      return Error{"upstream_http_filters",
                   "filters between router and cluster are not supported; "
                   "put them into the HttpConnectionManager's http_filters"};
    }
    if (proto.strict_check_headers_size() != 0) {
      return Error{"strict_check_headers", "checking x-envoy-* request headers is not supported"};
    }
    if (proto.start_child_span()) build.warn("start_child_span", "tracing is not supported yet");
    if (proto.upstream_log_size() != 0) {
      build.warn("upstream_log",
                 "no upstream access log is written; the downstream one has %UPSTREAM_*%");
    }
    Plan plan;
    plan.suppress_envoy_headers = proto.suppress_envoy_headers();
    return plan;
  }
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.addTerminal<Router, Plan>("envoy.filters.http.router");
}

}  // namespace weir::filters::router
