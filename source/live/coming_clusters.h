// ComingClusters are those that a control plane has announced and that nobody can use yet: their
// first version is warming. Who would send requests there can wait for it. All calls are O(1) but
// for settle(), which is O(those who wait). Owned by Clusters; main thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace weir::live {

class ComingClusters {
 public:
  class Waiter {
   public:
    // The cluster of this slot can be used, or will never be. May unwatch any waiter.
    virtual void onSettled(uint32_t slot) = 0;

   protected:
    ~Waiter() = default;
  };

  void add(uint32_t slot) { slots_.insert(slot); }
  bool contains(uint32_t slot) const { return slots_.contains(slot); }
  void settle(uint32_t slot) {
    if (slots_.erase(slot) == 0) return;
    for (Waiter* waiter : std::vector(waiters_)) {
      if (std::find(waiters_.begin(), waiters_.end(), waiter) == waiters_.end()) continue;
      waiter->onSettled(slot);
    }
  }
  void watch(Waiter& waiter) { waiters_.push_back(&waiter); }
  void unwatch(Waiter& waiter) { std::erase(waiters_, &waiter); }

 private:
  std::unordered_set<uint32_t> slots_;
  std::vector<Waiter*> waiters_;
};

}  // namespace weir::live
