#include "source/stream/shedding.h"

namespace weir::stream {

LocalReply overloadedReply(const HcmPlan& plan, bool request_complete, Arena& arena) {
  LocalReply reply{.status = 503,
                   .body = "overloaded",
                   .details = "overload",
                   .flag = ResponseFlag::OverloadManager,
                   .fields = nullptr,
                   .close = !request_complete};
  if (plan.append_local_overload) reply.add(arena, "x-envoy-local-overloaded", "true");
  return reply;
}

namespace shedding {

bool drawsRequest(Services& services, const HcmPlan& plan) {
  if (plan.bypasses_overload) return false;
  if (!overload::falls(services.overload.reject_requests, services.random.next())) return false;
  plan.stats.rq_overload_close.add();
  return true;
}

bool drawsConnection(Services& services, const HcmPlan& plan) {
  if (services.draining()) return true;
  if (plan.bypasses_overload) return false;
  if (!overload::falls(services.ending, services.random.next())) return false;
  plan.stats.cx_overload_disable_keepalive.add();
  return true;
}

}  // namespace shedding
}  // namespace weir::stream
