// Sketch: a circuit breaker for each cluster that sees every upstream outcome. Closed; open for a
// while after some failures in a row; then half open, with one probe at a time.
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "test/harness/sketches/sketches.h"
#include "test/harness/sketches/sketches.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::sketches {
namespace {

// Shared by all workers.
class Breaker {
 public:
  Breaker(uint32_t most, std::chrono::milliseconds rest) : most_(most), rest_(rest) {}

  // False: open. Sets `probe` when this request decides whether it closes: giveBack() follows.
  bool admit(SteadyTime now, bool& probe) {
    std::lock_guard lock(mutex_);
    if (failures_ < most_) return true;
    if (now < open_until_ || probing_) return false;
    return probe = probing_ = true;
  }
  void count(bool failed, SteadyTime now) {
    std::lock_guard lock(mutex_);
    failures_ = failed ? failures_ + 1 : 0;
    if (failures_ >= most_) open_until_ = now + rest_;
  }
  void giveBack() {
    std::lock_guard lock(mutex_);
    probing_ = false;
  }

 private:
  const uint32_t most_;
  const std::chrono::milliseconds rest_;
  std::mutex mutex_;
  uint32_t failures_ = 0;  // in a row
  SteadyTime open_until_{};
  bool probing_ = false;
};

struct Plan {
  std::map<std::string, std::unique_ptr<Breaker>, std::less<>> breakers;
  Counter rejected;

  static Result<Plan> from(const CircuitBreaker& proto, PlanBuild& build) {
    Plan plan;
    for (const std::string& cluster : proto.clusters()) {
      plan.breakers.emplace(cluster,
                            std::make_unique<Breaker>(proto.failures(), millis(proto.rest())));
    }
    plan.rejected = build.stats.scope("circuit_breaker").counter("rejected");
    return plan;
  }
  Breaker* find(std::string_view cluster) const {
    const auto found = breakers.find(cluster);
    return found == breakers.end() ? nullptr : found->second.get();
  }
};

class BreakerFilter final : public Filter {
 public:
  explicit BreakerFilter(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead&, Stream& stream) override {
    breaker_ = plan_.find(stream.routeCluster());
    if (breaker_ == nullptr || breaker_->admit(stream.now(), probe_)) return Verdict::pass();
    plan_.rejected.add();
    return Verdict::reply(503, "circuit breaker open\n", "circuit_breaker_open");
  }
  void onAttempt(const Attempt& attempt, Stream& stream) override {
    const FailureKind kind = attempt.failure.kind;
    const bool unknown = kind == FailureKind::Cancelled || kind == FailureKind::Refused;
    if (breaker_ == nullptr || unknown) return;  // the upstream did not do that
    breaker_->count(attempt.failure || attempt.status >= 500, stream.now());
  }
  void onDone(const StreamInfo&, Stream&) override {
    if (probe_) breaker_->giveBack();
  }

 private:
  const Plan& plan_;
  Breaker* breaker_ = nullptr;
  bool probe_ = false;
};

}  // namespace

void installCircuitBreaker(FilterRegistry& registry) {
  registry.add<CircuitBreaker, Plan, BreakerFilter>("weir.sketches.circuit_breaker");
}

}  // namespace weir::sketches
