// Closes connections beyond a number at a time.
#include <atomic>
#include <memory>

#include "envoy/extensions/filters/network/connection_limit/v3/connection_limit.pb.h"
#include "weir/filter_registry.h"
#include "weir/percentage.h"

namespace weir::network::connection_limit {
namespace {

using Proto = envoy::extensions::filters::network::connection_limit::v3::ConnectionLimit;

struct Plan {
  uint64_t most = 0;
  std::chrono::milliseconds delay{0};
  RuntimeFlag enabled{true};
  std::shared_ptr<std::atomic<uint64_t>> open;  // of all workers
  Counter limited;
  Gauge active;

  static Result<Plan> from(const Proto& proto, PlanBuild& build) {
    if (proto.stat_prefix().empty())
      return Error{"stat_prefix", "expected a name for the statistics"};
    if (proto.max_connections().value() == 0)
      return Error{"max_connections", "expected at least 1"};
    Plan plan;
    plan.most = proto.max_connections().value();
    plan.delay = std::chrono::milliseconds(proto.delay().seconds() * 1000 +
                                           proto.delay().nanos() / 1'000'000);
    plan.enabled = RuntimeFlag::from(proto.runtime_enabled(), true,
                                     [&build](const auto& key) { return build.runtime(key); });
    plan.open = std::make_shared<std::atomic<uint64_t>>(0);
    const StatScope scope = build.stats.scope("connection_limit")
                                .tagged(proto.stat_prefix(), "envoy_connection_limit_prefix");
    plan.limited = scope.counter("limited_connections");
    plan.active = scope.gauge("active_connections");
    return plan;
  }
};

class ConnectionLimit final : public NetworkFilter {
 public:
  explicit ConnectionLimit(const Plan& plan) : plan_(plan) {}
  ~ConnectionLimit() override {
    if (!counted_) return;
    plan_.open->fetch_sub(1, std::memory_order_relaxed);
    plan_.active.sub();
  }

  NetworkVerdict onConnection(NetworkConnection&) override {
    if (!plan_.enabled.on()) return NetworkVerdict::pass();
    if (plan_.open->fetch_add(1, std::memory_order_relaxed) >= plan_.most) {
      plan_.open->fetch_sub(1, std::memory_order_relaxed);
      plan_.limited.add();
      return NetworkVerdict::close("connection_limit", plan_.delay);
    }
    counted_ = true;
    plan_.active.add();
    return NetworkVerdict::pass();
  }

 private:
  const Plan& plan_;
  bool counted_ = false;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.addNetwork<Proto, Plan, ConnectionLimit>("envoy.filters.network.connection_limit");
}

}  // namespace weir::network::connection_limit
