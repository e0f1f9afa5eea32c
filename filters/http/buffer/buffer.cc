// Holds a request back until all of it is here, so that the origin never waits for a slow client.
#include "weir/filter.h"

#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "weir/filter_registry.h"

namespace weir::filters::buffer {
namespace {

namespace v3 = envoy::extensions::filters::http::buffer::v3;

struct Plan {
  BodyNeed need;

  BodyNeed requestBody() const { return need; }

  static Result<Plan> from(const v3::Buffer& proto, PlanBuild&) {
    if (proto.max_request_bytes().value() == 0) {
      return Error{"max_request_bytes",
                   "expected the most bytes a request's body may have, at least 1"};
    }
    return Plan{BodyNeed::whole(proto.max_request_bytes().value())};
  }

  static Result<Plan> forRoute(const Plan&, std::span<const v3::BufferPerRoute> levels,
                               PlanBuild& build) {
    const v3::BufferPerRoute& route = levels.back();
    if (route.has_buffer()) {
      auto plan = from(route.buffer(), build);
      if (!plan) plan.error().field = "buffer." + plan.error().field;
      return plan;
    }
    if (!route.disabled()) return Error{"", "expected disabled: true, or buffer"};
    return Plan{BodyNeed::none()};
  }
};

// Nothing to do but to want the body whole.
class Buffer final : public Filter {
 public:
  explicit Buffer(const Plan&) {}
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::Buffer, Plan, Buffer, v3::BufferPerRoute>("envoy.filters.http.buffer");
}

}  // namespace weir::filters::buffer
