// A Watch is the overload manager at work: at each refresh it reads all pressures, decides by the
// triggers what is to be given up, and tells when that changed. Lives on the main thread, from
// start() to its end; what workers do is the owner's to post to them.
//
// A pressure that cannot be read stays what it was, and is counted. Statistics are Envoy's:
// overload.<resource>.pressure (a percentage), .failed_updates, .skipped_updates;
// overload.<action>.active (1: saturated), .scale_percent.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "source/net/loop.h"
#include "source/overload/actions.h"
#include "source/overload/plan.h"
#include "weir/stats.h"

namespace weir::overload {

// The allocator's free memory, which shrink_heap gives back.
struct Heap {
  static Heap ofProcess();

  std::function<uint64_t()> free_bytes;
  std::function<void()> trim;
};

class Watch final : net::TimerUser {
 public:
  struct Callbacks {
    std::function<void(const Actions&)> changed;
    // An action became saturated, or is not any more.
    std::function<void(std::string_view action, bool saturated)> saturated;
  };

  // `stats`: the root.
  Watch(net::Loop& loop, Plan plan, const StatScope& stats, Callbacks callbacks,
        Heap heap = Heap::ofProcess());

  // Looks at once, then by the clock; nothing to do: never. In a turn.
  void start();

 private:
  struct Resource {
    double pressure = 0;
    Gauge percent;
    Counter failed_updates;
  };
  struct Action {
    double level = 0;
    Gauge active, scale_percent;
  };

  void onTimer() override;
  void measure();
  void decide();
  double levelOf(const ActionPlan& action) const;
  void shrink(double level);

  net::Loop& loop_;
  const Plan plan_;
  const Callbacks callbacks_;
  const Heap heap_;
  net::Timer timer_;
  std::vector<Resource> resources_;  // as in the plan
  std::vector<Action> actions_;      // as in the plan
  Counter shrink_count_;
  net::SteadyTime shrunk_{};
  Actions told_;
};

}  // namespace weir::overload
