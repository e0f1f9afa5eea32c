// What streams give up when the overload manager says so, or the process drains. In line: a look at
// one number, which is 0 as long as all is well; the rest is drawn and counted out of line. One
// worker.
#pragma once

#include "source/stream/hcm_plan.h"
#include "source/stream/services.h"
#include "weir/verdict.h"

namespace weir::stream {

namespace shedding {
[[gnu::cold]] bool drawsRequest(Services& services, const HcmPlan& plan);
[[gnu::cold]] bool drawsConnection(Services& services, const HcmPlan& plan);
}  // namespace shedding

// Whether a request that begins is refused: stop_accepting_requests.
inline bool refusesRequest(Services& services, const HcmPlan& plan) {
  return services.overload.reject_requests != overload::kNone &&
         shedding::drawsRequest(services, plan);
}

// What such a request is answered, before anything was spent on it: no route, no filters.
LocalReply overloadedReply(const HcmPlan& plan, bool request_complete, Arena& arena);

// Whether a connection ends with the response at hand (HTTP/1), or takes no more requests (HTTP/2):
// a drain, or disable_http_keepalive. Ask once a request of a connection that would stay.
inline bool endsConnection(Services& services, const HcmPlan& plan) {
  return services.ending != overload::kNone && shedding::drawsConnection(services, plan);
}

}  // namespace weir::stream
