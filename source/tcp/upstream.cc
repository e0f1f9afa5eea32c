#include "source/tcp/upstream.h"

#include <algorithm>

#include "source/cluster/connect_to.h"

namespace weir::tcp {
namespace {

uint64_t microseconds(net::SteadyTime::duration time) {
  return static_cast<uint64_t>(time / std::chrono::microseconds(1));
}

}  // namespace

Upstream::Upstream(net::Loop& loop, cluster::ClusterPtr cluster, cluster::EndpointPtr endpoint,
                   UpstreamUser& user)
    : cluster_(std::move(cluster)),
      endpoint_(std::move(endpoint)),
      user_(user),
      connection_(loop, *this),
      timer_(*this) {
  connection_.countInto(&cluster_->stats().bytes);
  connection_.setHighMark(
      std::min(cluster_->settings().buffer_limit, transport::Connection::kDefaultHighMark));
}

bool Upstream::connect() {
  began_ = connection_.loop().now();
  const cluster::ClusterStats& stats = cluster_->stats();
  stats.cx_total.add();
  endpoint_->counts.cx_total.fetch_add(1, std::memory_order_relaxed);
  if (!cluster::connectTo(connection_, cluster_->settings(), *endpoint_)) {
    stats.cx_connect_fail.add();
    endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  open_ = true;
  cluster::Budgets& budgets = cluster_->budgets(cluster::Priority::Default);
  budgets.connections.take();
  budgets.pending.take();
  stats.cx_active.add();
  stats.rq_pending_total.add();
  stats.rq_pending_active.add();
  endpoint_->counts.cx_active.fetch_add(1, std::memory_order_relaxed);
  timer_.arm(connection_.loop().timers(), began_ + cluster_->settings().connect_timeout);
  return true;
}

void Upstream::onConnected() {
  timer_.disarm();
  connected_ = true;
  cluster_->budgets(cluster::Priority::Default).pending.give();
  cluster_->stats().rq_pending_active.sub();
  cluster_->stats().cx_connect_ms.record(microseconds(connection_.loop().now() - began_));
  user_.onUpstreamConnected();
}

void Upstream::onInputEnd() {
  remote_ended_ = true;
  user_.onUpstreamEnd();
}

void Upstream::onFailed(const Failure& failure) { fail(failure); }

void Upstream::onTimer() {
  cluster_->stats().cx_connect_timeout.add();
  fail({Side::Upstream, FailureKind::ConnectTimeout, Retry::Safe, "connect timeout"});
}

void Upstream::fail(Failure failure) {
  if (!open_) return;
  remote_ended_ = failure.kind != FailureKind::ConnectTimeout;
  if (!connected_) {
    if (failure.kind != FailureKind::ConnectTimeout) failure.kind = FailureKind::ConnectFailed;
    cluster_->stats().cx_connect_fail.add();
    endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
  }
  close();
  user_.onUpstreamFailed(failure);
}

void Upstream::close() {
  net::Loop& loop = connection_.loop();
  timer_.disarm();
  connection_.close();
  if (open_) {
    open_ = false;
    const cluster::ClusterStats& stats = cluster_->stats();
    cluster::Budgets& budgets = cluster_->budgets(cluster::Priority::Default);
    budgets.connections.give();
    if (!connected_) {
      budgets.pending.give();
      stats.rq_pending_active.sub();
    }
    stats.cx_active.sub();
    stats.cx_destroy.add();
    (remote_ended_ ? stats.cx_destroy_remote : stats.cx_destroy_local).add();
    stats.cx_length_ms.record(microseconds(loop.now() - began_));
    endpoint_->counts.cx_active.fetch_sub(1, std::memory_order_relaxed);
  }
  loop.destroyLater(this);
}

}  // namespace weir::tcp
