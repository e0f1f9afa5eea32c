// WorkerListener: how it goes from one plan to the next, and how it ends.
#include <unordered_set>
#include <utility>

#include "source/listener/worker_listener.h"

namespace weir::listener {

std::vector<net::Address> WorkerListener::addresses() const {
  std::vector<net::Address> all;
  for (const auto& socket : sockets_) all.push_back(socket->configured());
  return all;
}

AcceptingSockets WorkerListener::releaseSockets(const std::vector<net::Address>& but) {
  AcceptingSockets kept;
  for (const net::Address& address : but) {
    if (auto socket = takeSocket(sockets_, address)) kept.push_back(std::move(socket));
  }
  std::swap(kept, sockets_);
  return kept;
}

void WorkerListener::take(AcceptingSockets sockets) {
  for (auto& socket : sockets) {
    socket->setUser(*this);
    sockets_.push_back(std::move(socket));
  }
  obeyOverload();
}

void WorkerListener::update(PlanPtr next, AcceptingSockets sockets, const Drain& drain) {
  const DrainPeriod period(services_.loop.now(), drain);
  retireOpenings(period);
  retireChains(period, next.get());
  moveCounts(*next);
  plan_ = std::move(next);
  take(std::move(sockets));
}

void WorkerListener::remove(const Drain& drain, std::function<void()> over) {
  removed_.emplace(services_.loop.now(), drain);
  over_ = std::move(over);
  retireOpenings(*removed_);
  retireChains(*removed_, nullptr);
  // Other workers that have not heard of it may still hand it connections.
  if (plan_->exact_balance) timer_.arm(services_.loop.timers(), removed_->end);
  endIfOver();
}

// They go on, and learn later whether their chain is still there.
void WorkerListener::retireOpenings(const DrainPeriod& period) {
  for (auto* at = openings_.first(); at != nullptr; at = transport::ServerList::after(*at)) {
    auto& opening = static_cast<Opening&>(*at);
    if (!opening.retired()) opening.retire(period);
  }
}

// Asks the connections of all chains to leave that `next` has not; null: of all.
void WorkerListener::retireChains(const DrainPeriod& period, const ListenerPlan* next) {
  std::unordered_set<const FilterChainPlan*> stay;
  if (next != nullptr) {
    for (const FilterChainPtr& chain : next->chains) stay.insert(chain.get());
    stay.insert(next->default_chain.get());
  }
  for (auto at = current_.begin(); at != current_.end();) {
    if (stay.contains(at->first)) {
      ++at;
      continue;
    }
    auto group = std::move(at->second);
    at = current_.erase(at);
    if (group->empty()) continue;
    leaving_.push_back(std::move(group));
    leaving_.back()->leave(period);
  }
}

// Connections count where their listener's plan says.
void WorkerListener::moveCounts(const ListenerPlan& next) {
  if (next.stats.cx_active.cell() != plan_->stats.cx_active.cell()) {
    next.stats.cx_active.add(matched_);
    plan_->stats.cx_active.sub(matched_);
  }
  if (next.global_limit == plan_->global_limit) return;
  if (next.global_limit != nullptr) next.global_limit->add(count_);
  if (plan_->global_limit != nullptr) plan_->global_limit->give(count_);
}

void WorkerListener::onTimer() {
  if (services_.loop.now() < removed_->end) timer_.arm(services_.loop.timers(), removed_->end);
  endIfOver();
}

void WorkerListener::endIfOver() {
  if (!removed_ || count_ != 0 || over_ == nullptr) return;
  if (plan_->exact_balance && services_.loop.now() < removed_->end) return;
  std::exchange(over_, nullptr)();
}

}  // namespace weir::listener
