// FormerNames lets go of the clusters that routes named which others took the place of: not at
// once, as requests that began with them may wait in a filter yet, but after kLinger. Owned by the
// RouteSubscription; main thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>

#include "source/cluster/named_cluster.h"
#include "source/net/loop.h"

namespace weir::live {

class FormerNames final : private net::TimerUser {
 public:
  static constexpr std::chrono::milliseconds kLinger{1000};
  using Names = std::shared_ptr<cluster::NamedClusters>;

  explicit FormerNames(net::Loop& loop) : loop_(loop), timer_(*this) {}
  ~FormerNames() {
    for (const One& one : all_) one.names->all.clear();
  }

  // Null: none.
  void add(Names names) {
    if (names == nullptr) return;
    all_.push_back({std::move(names), loop_.now() + kLinger});
    if (!timer_.armed()) timer_.arm(loop_.timers(), all_.front().until);
  }

 private:
  struct One {
    Names names;
    net::SteadyTime until;
  };

  void onTimer() override {
    while (!all_.empty() && all_.front().until <= loop_.now()) {
      all_.front().names->all.clear();
      all_.pop_front();
    }
    if (!all_.empty()) timer_.arm(loop_.timers(), all_.front().until);
  }

  net::Loop& loop_;
  net::Timer timer_;
  std::deque<One> all_;
};

}  // namespace weir::live
