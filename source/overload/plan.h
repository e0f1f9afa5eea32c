// A Plan is the overload manager's configuration, checked: what is measured, and what is given up
// when. Built on the main thread, handed to the Watch.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "source/overload/pressure.h"
#include "source/overload/trigger.h"

namespace weir::overload {

enum class ActionKind : uint8_t {
  StopAcceptingRequests,
  DisableHttpKeepalive,
  StopAcceptingConnections,
  RejectIncomingConnections,
  ShrinkHeap,
};

struct ResourcePlan {
  std::string name;
  PressureSource pressure;
};

struct TriggerPlan {
  size_t resource;  // index of Plan::resources
  Trigger trigger;
};

struct ActionPlan {
  std::string name;
  ActionKind kind;
  std::vector<TriggerPlan> triggers;  // the strongest counts
};

// Memory that the allocator keeps free is given back to the system so often, if there is more of
// it.
struct ShrinkPlan {
  std::chrono::milliseconds interval{10'000};
  uint64_t max_unfreed = 100 * 1024 * 1024;
};

struct Plan {
  std::chrono::milliseconds refresh_interval{1000};
  std::vector<ResourcePlan> resources;
  std::vector<ActionPlan> actions;
  ShrinkPlan shrink;
};

}  // namespace weir::overload
