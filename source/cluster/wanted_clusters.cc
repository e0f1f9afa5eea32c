#include "source/cluster/wanted_clusters.h"

#include <utility>

namespace weir::cluster {

struct WantedClusters::Name final : net::TimerUser {
  explicit Name(WantedClusters& of) : of(of), timer(*this) {}
  void onTimer() override { of.giveUp(key); }

  WantedClusters& of;
  std::string_view key;
  std::list<Waiter*> waiters;
  net::Timer timer;
};

WantedClusters::WantedClusters(net::Loop& loop) : loop_(loop) {}

WantedClusters::~WantedClusters() {
  while (!names_.empty()) settle(names_.begin()->first);
}

WantedClusters::Waiter::~Waiter() {
  if (name_ != nullptr) name_->waiters.erase(at_);
}

void WantedClusters::serve(Ask ask, const StatScope& scope) {
  ask_ = std::move(ask);
  asked_ = scope.counter("asked");
  overflow_ = scope.counter("overflow");
  timeout_ = scope.counter("timeout");
}

bool WantedClusters::wait(std::string_view name, Waiter& waiter) {
  if (!ask_ || name.empty()) return false;
  auto found = names_.find(name);
  const bool is_new = found == names_.end();
  if (is_new) {
    if (names_.size() >= kMostNames) {
      overflow_.add();
      return false;
    }
    found = names_.emplace(name, std::make_unique<Name>(*this)).first;
    found->second->key = found->first;
    found->second->timer.arm(loop_.timers(), loop_.now() + kPatience);
  }
  Name& wanted = *found->second;
  waiter.name_ = &wanted;
  waiter.at_ = wanted.waiters.insert(wanted.waiters.end(), &waiter);
  if (is_new) {
    asked_.add();
    ask_(found->first);
  }
  return true;
}

void WantedClusters::settle(std::string_view name) {
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  const auto node = names_.extract(found);
  for (Waiter* waiter : node.mapped()->waiters) {
    waiter->name_ = nullptr;
    waiter->onSettled();
  }
}

void WantedClusters::giveUp(std::string_view name) {
  timeout_.add();
  settle(name);
}

}  // namespace weir::cluster
