// Answers the health checks of the load balancer in front of Weir: by itself, for its upstreams, or
// by passing them on and remembering the answer for a while.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"
#include "weir/header_matcher.h"

namespace weir::filters::health_check {
namespace {

namespace v3 = envoy::extensions::filters::http::health_check::v3;

// The last answer of an origin, for all workers: when it is too old, and the answer, each a word of
// its own, for an answer a moment older or newer is as good.
struct Remembered {
  std::atomic<int64_t> until{0};    // steady time
  std::atomic<uint32_t> answer{0};  // status * 2 + degraded
};

struct Minimum {
  std::string cluster;
  double percent = 0;
};

struct Plan {
  bool pass_through = false;
  std::chrono::nanoseconds cache_time{0};
  std::vector<Minimum> minimums;
  std::vector<HeaderMatcher> headers;
  std::string node_cluster;
  std::shared_ptr<Remembered> remembered;
  Counter requests, ok, failed, cached, cluster_not_found, cluster_empty, cluster_unhealthy,
      degraded;

  static Result<Plan> from(const v3::HealthCheck& proto, PlanBuild& build) {
    Plan plan;
    if (!proto.has_pass_through_mode()) return Error{"pass_through_mode", "expected true or false"};
    plan.pass_through = proto.pass_through_mode().value();
    plan.cache_time = std::chrono::seconds(proto.cache_time().seconds()) +
                      std::chrono::nanoseconds(proto.cache_time().nanos());
    if (plan.cache_time.count() > 0 && !plan.pass_through) {
      return Error{"cache_time", "there is nothing to remember unless pass_through_mode is true"};
    }
    for (const auto& [cluster, percent] : proto.cluster_min_healthy_percentages()) {
      if (!build.hasCluster(cluster)) {
        build.warn("cluster_min_healthy_percentages", "there is no cluster '" + cluster + "'");
      }
      if (!plan.pass_through) plan.minimums.push_back({cluster, percent.value()});
    }
    for (int i = 0; i < proto.headers_size(); ++i) {
      auto matcher = HeaderMatcher::from(proto.headers(i));
      if (!matcher) {
        return Error{"headers[" + std::to_string(i) + "]." + matcher.error().field,
                     matcher.error().text};
      }
      plan.headers.push_back(*std::move(matcher));
    }
    plan.node_cluster = build.nodeCluster();
    if (plan.cache_time.count() > 0) plan.remembered = std::make_shared<Remembered>();
    plan.count(build.stats.scope("health_check"));
    return plan;
  }

  void count(const StatScope& stats) {
    requests = stats.counter("request_total");
    ok = stats.counter("ok");
    failed = stats.counter("failed");
    cached = stats.counter("cached_response");
    cluster_not_found = stats.counter("failed_cluster_not_found");
    cluster_empty = stats.counter("failed_cluster_empty");
    cluster_unhealthy = stats.counter("failed_cluster_unhealthy");
    degraded = stats.counter("degraded");
  }
};

class HealthCheck final : public Filter {
 public:
  explicit HealthCheck(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    for (const HeaderMatcher& matcher : plan_.headers) {
      if (!matcher.matches(head)) return Verdict::pass();
    }
    is_check_ = true;
    plan_.requests.add();
    if (stream.healthCheckFailed()) return answer(503, "health_check_failed", stream);
    if (!plan_.pass_through) return judgeClusters(stream);
    if (plan_.remembered == nullptr ||
        ticks(stream) >= plan_.remembered->until.load(std::memory_order_relaxed)) {
      return Verdict::pass();
    }
    plan_.cached.add();
    const uint32_t remembered = plan_.remembered->answer.load(std::memory_order_relaxed);
    degraded_ = (remembered & 1) != 0;
    answered_ = true;
    return answer(static_cast<uint16_t>(remembered / 2), "health_check_cached", stream);
  }

  Verdict onResponse(ResponseHead& head, Stream& stream) override {
    static const HeaderName kDegraded = *HeaderName::parse("x-envoy-degraded");
    static const HeaderName kChecked = *HeaderName::parse("x-envoy-upstream-healthchecked-cluster");
    static const HeaderName kFail = *HeaderName::parse("x-envoy-immediate-health-check-fail");
    if (is_check_) {
      if (!answered_) remember(head, stream);
      if (degraded_) head.fields.set(kDegraded, "true");
      head.fields.set(kChecked, plan_.node_cluster);
    }
    if (stream.healthCheckFailed()) head.fields.set(kFail, "true");
    return Verdict::pass();
  }

 private:
  static int64_t ticks(Stream& stream) { return stream.now().time_since_epoch().count(); }

  Verdict judgeClusters(Stream& stream) {
    for (const Minimum& minimum : plan_.minimums) {
      const auto health = stream.clusterHealth(minimum.cluster);
      if (!health) {
        plan_.cluster_not_found.add();
        return answer(503, "health_check_failed_no_cluster_found", stream);
      }
      if (health->endpoints == 0) {
        if (minimum.percent == 0) continue;
        plan_.cluster_empty.add();
        return answer(503, "health_check_failed_cluster_empty", stream);
      }
      if (100.0 * static_cast<double>(health->healthy) <
          static_cast<double>(health->endpoints) * minimum.percent) {
        plan_.cluster_unhealthy.add();
        return answer(503, "health_check_failed_cluster_unhealthy", stream);
      }
    }
    return answer(200,
                  plan_.minimums.empty() ? "health_check_ok" : "health_check_ok_cluster_healthy",
                  stream);
  }

  Verdict answer(uint16_t status, std::string_view details, Stream&) {
    answered_ = true;
    LocalReply reply;
    reply.status = status;
    reply.details = details;
    const bool is_ok = status >= 200 && status < 300;
    if (!is_ok) reply.flag = ResponseFlag::FailedLocalHealthCheck;
    (is_ok ? plan_.ok : plan_.failed).add();
    if (degraded_) plan_.degraded.add();
    return Verdict::reply(reply);
  }

  void remember(const ResponseHead& head, Stream& stream) const {
    if (plan_.remembered == nullptr) return;
    const bool degraded = head.fields.get("x-envoy-degraded").has_value();
    plan_.remembered->answer.store(head.status * 2u + (degraded ? 1 : 0),
                                   std::memory_order_relaxed);
    plan_.remembered->until.store(ticks(stream) + plan_.cache_time.count(),
                                  std::memory_order_relaxed);
  }

  const Plan& plan_;
  bool is_check_ = false;
  bool answered_ = false;  // by us, not by an origin
  bool degraded_ = false;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::HealthCheck, Plan, HealthCheck>("envoy.filters.http.health_check");
}

}  // namespace weir::filters::health_check
