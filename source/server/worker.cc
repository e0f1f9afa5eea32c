#include "source/server/worker.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "source/telemetry/stat_cells.h"
#include "weir/per_worker.h"

namespace weir::server {

Worker::Worker(size_t index, uint64_t seed)
    : index_(index),
      clusters_(loop_),
      services_(loop_, clusters_, seed),
      logs_(services_),
      listeners_(services_, index) {}

Worker::~Worker() {
  join();
  listeners_.clear();
  // What was posted too late, while what it is about is still there.
  event_base_loop(loop_.base(), EVLOOP_NONBLOCK);
}

void Worker::changeClusters(const ClusterChanges& changes) {
  if (!thread_.joinable()) return apply(*changes);
  loop_.post([this, changes] { apply(*changes); });
}

void Worker::apply(const std::vector<ClusterChange>& changes) {
  for (const auto& [slot, cluster, endpoints] : changes) {
    endpoints == nullptr ? clusters_.set(slot, cluster) : clusters_.update(cluster, endpoints);
  }
}

void Worker::changeListeners(std::vector<listener::ListenerChange> changes,
                             const listener::Drain& drain) {
  if (!thread_.joinable()) return listeners_.change(std::move(changes), drain);
  auto kept = std::make_shared<std::vector<listener::ListenerChange>>(std::move(changes));
  loop_.post([this, kept, drain] {
    for (const listener::ListenerChange& change : *kept) {
      if (change.plan != nullptr) startBackground(*change.plan);
    }
    listeners_.change(std::move(*kept), drain);
  });
}

void Worker::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("wrk:worker_" + std::to_string(index_)).c_str());
    telemetry::StatThread stats;
    t_worker = static_cast<uint32_t>(index_);
    logs_.begin();
    listeners_.forEach([this](const auto& listener) { startBackground(listener.plan()); });
    loop_.run();
    for (const auto& started : background_) {
      if (const auto work = started.lock()) work->stop();
    }
    listeners_.clear();
    logs_.end();                  // with what those who were cut left in the log
    net::Loop::Turn last(loop_);  // what is closed dies on its own thread
    services_.clusters.clear();
  });
}

// One worker does what belongs to no stream.
void Worker::startBackground(const listener::ListenerPlan& plan) {
  for (const auto& chain : plan.chains) {
    if (chain->hcm != nullptr) startBackground(*chain->hcm->plan());
  }
  const listener::FilterChainPtr& last = plan.default_chain;
  if (last != nullptr && last->hcm != nullptr) startBackground(*last->hcm->plan());
}

// It goes on until the last plan that has it is gone, with the last stream that needs it.
void Worker::startBackground(const stream::HcmPlan& plan) {
  if (index_ != 0 || plan.background.empty()) return;
  net::Loop::Turn turn(loop_);
  std::erase_if(background_, [](const auto& work) { return work.expired(); });
  for (const auto& work : plan.background) {
    if (work->startOn(services_)) background_.push_back(work);
  }
}

void Worker::setPlan(std::shared_ptr<stream::Hcm> hcm,
                     std::shared_ptr<const stream::HcmPlan> plan) {
  const auto index = static_cast<uint32_t>(index_);
  if (!thread_.joinable()) return hcm->replace(index, plan);
  loop_.post([this, index, hcm = std::move(hcm), plan = std::move(plan)] {
    hcm->replace(index, plan);
    startBackground(*plan);
  });
}

void Worker::handOver(listener::HandedSocket socket) {
  loop_.post([this, socket = std::move(socket)] { listeners_.adopt(socket); });
}

void Worker::setHealthCheckFailed(bool failed) {
  loop_.post([this, failed] { services_.health_check_failed = failed; });
}

void Worker::hold(std::shared_ptr<const void> object) {
  loop_.post([object = std::move(object)] {});
}

void Worker::setOverload(const overload::Actions& actions) {
  loop_.post([this, actions] {
    services_.setOverload(actions);
    listeners_.forEach([](auto& listener) { listener.obeyOverload(); });
  });
}

void Worker::drain(bool accept, bool only_inbound) {
  loop_.post([this, accept, only_inbound] {
    if (!only_inbound) services_.drain();
    listeners_.forEach([=](auto& listener) {
      if (!only_inbound || listener.plan().inbound) listener.drain(accept);
    });
  });
  countConnections();
}

void Worker::countConnections() {
  loop_.post([this] { connections_.store(listeners_.connections(), std::memory_order_relaxed); });
}

void Worker::stop() { loop_.stop(); }

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace weir::server
