// Closes connections that come faster than a token bucket fills.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>

#include "envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit.pb.h"
#include "weir/filter_registry.h"
#include "weir/percentage.h"

namespace weir::network::local_ratelimit {
namespace {

using Proto = envoy::extensions::filters::network::local_ratelimit::v3::LocalRateLimit;
using std::chrono::nanoseconds;

// A token bucket that fills continuously, kept as one time: when it will be full again. Shared by
// all workers, without locks.
class Bucket {
 public:
  Bucket(uint32_t most, nanoseconds each) : each_(each.count()), depth_(each_ * most) {}

  bool take(SteadyTime now) {
    const int64_t at = now.time_since_epoch() / nanoseconds(1);
    int64_t full = full_.load(std::memory_order_relaxed);
    while (true) {
      const int64_t then = std::max(full, at) + each_;
      if (then - at > depth_) return false;
      if (full_.compare_exchange_weak(full, then, std::memory_order_relaxed)) return true;
    }
  }

 private:
  const int64_t each_;   // nanoseconds for a token
  const int64_t depth_;  // for all of them
  std::atomic<int64_t> full_{0};
};

struct Plan {
  RuntimeFlag enabled{true};
  std::shared_ptr<Bucket> bucket;
  Counter limited;

  static Result<Plan> from(const Proto& proto, PlanBuild& build);
};

// Filters with the same share_key and the same bucket share it. Main thread.
std::shared_ptr<Bucket> sharedBucket(const std::string& key, std::shared_ptr<Bucket> made) {
  static std::map<std::string, std::weak_ptr<Bucket>> buckets;
  std::weak_ptr<Bucket>& known = buckets[key];
  if (auto bucket = known.lock()) return bucket;
  known = made;
  return made;
}

Result<Plan> Plan::from(const Proto& proto, PlanBuild& build) {
  if (proto.stat_prefix().empty())
    return Error{"stat_prefix", "expected a name for the statistics"};
  const auto& tokens = proto.token_bucket();
  const nanoseconds interval = std::chrono::seconds(tokens.fill_interval().seconds()) +
                               nanoseconds(tokens.fill_interval().nanos());
  const uint32_t per_fill = tokens.has_tokens_per_fill() ? tokens.tokens_per_fill().value() : 1;
  if (tokens.max_tokens() == 0) return Error{"token_bucket.max_tokens", "expected at least 1"};
  if (per_fill == 0) return Error{"token_bucket.tokens_per_fill", "expected at least 1"};
  if (interval < std::chrono::milliseconds(50))
    return Error{"token_bucket.fill_interval", "expected at least 50ms"};
  const nanoseconds each = std::max(interval / per_fill, nanoseconds(1));
  constexpr int64_t kLongest = INT64_MAX / 4;
  if (each.count() > kLongest / tokens.max_tokens())
    return Error{"token_bucket", "takes more than 70 years to fill"};
  Plan plan;
  plan.bucket = std::make_shared<Bucket>(tokens.max_tokens(), each);
  if (!proto.share_key().empty()) {
    plan.bucket = sharedBucket(proto.share_key() + '\0' + tokens.SerializeAsString(), plan.bucket);
  }
  plan.enabled = RuntimeFlag::from(proto.runtime_enabled(), true,
                                   [&build](const auto& key) { return build.runtime(key); });
  plan.limited = build.stats.scope("local_rate_limit")
                     .tagged(proto.stat_prefix(), "envoy_local_network_ratelimit_prefix")
                     .counter("rate_limited");
  return plan;
}

class LocalRatelimit final : public NetworkFilter {
 public:
  explicit LocalRatelimit(const Plan& plan) : plan_(plan) {}

  NetworkVerdict onConnection(NetworkConnection& connection) override {
    if (!plan_.enabled.on() || plan_.bucket->take(connection.view().now))
      return NetworkVerdict::pass();
    plan_.limited.add();
    return NetworkVerdict::close("local_rate_limited");
  }

 private:
  const Plan& plan_;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.addNetwork<Proto, Plan, LocalRatelimit>("envoy.filters.network.local_ratelimit");
}

}  // namespace weir::network::local_ratelimit
