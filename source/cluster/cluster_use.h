// A ClusterUse keeps one worker's cluster in being while somebody works with it: its slot has one,
// and so has each connection of its pools, and each request from its start until it was logged.
// A cluster that was taken out of its slot dies with its last use: who has one may keep references
// and views into the cluster. It costs an increment and a decrement; nothing is atomic. Worker
// thread only.
#pragma once

#include <cstdint>
#include <utility>

namespace weir::cluster {

// What is used, and how often now.
class ClusterUses {
 protected:
  ~ClusterUses() = default;

 private:
  friend class ClusterUse;
  virtual void onUnused() = 0;  // the last use was given up; once

  uint32_t count_ = 0;
};

class ClusterUse {
 public:
  ClusterUse() = default;  // of nothing
  explicit ClusterUse(ClusterUses& uses) : uses_(&uses) { ++uses.count_; }
  ClusterUse(ClusterUse&& other) noexcept : uses_(std::exchange(other.uses_, nullptr)) {}
  ClusterUse& operator=(ClusterUse&& other) noexcept {
    ClusterUse former(std::move(*this));
    uses_ = std::exchange(other.uses_, nullptr);
    return *this;
  }
  ~ClusterUse() {
    if (uses_ != nullptr && --uses_->count_ == 0) uses_->onUnused();
  }

 private:
  ClusterUses* uses_ = nullptr;
};

}  // namespace weir::cluster
