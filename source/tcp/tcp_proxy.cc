#include "source/tcp/tcp_proxy.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "source/cluster/proxy_header_settings.h"
#include "source/stream/waits.h"
#include "source/tcp/connection_log.h"

namespace weir::tcp {

using std::chrono::milliseconds;
using transport::Connection;

TcpProxy::TcpProxy(stream::Services& services, std::shared_ptr<const TcpProxyPlan> plan,
                   transport::ServerConnections& connections, transport::ConnectionPtr connection,
                   const transport::Accepted& accepted)
    : services_(services),
      plan_(std::move(plan)),
      connections_(connections),
      connection_(std::move(connection)),
      timer_(*this),
      accepted_(accepted),
      active_(services.loop.now()),
      max_end_(maxEnd()) {
  connection_->setUser(*this);
  connection_->countInto(&plan_->stats.bytes);
  connection_->pauseRead();
  plan_->stats.cx_total.add();
}

TcpProxy::~TcpProxy() = default;

net::SteadyTime TcpProxy::maxEnd() const {
  if (plan_->max_duration.count() == 0) return net::SteadyTime::max();
  const double part = static_cast<double>(services_.random.next() >> 11) * 0x1p-53;
  const double jitter =
      static_cast<double>(plan_->max_duration.count()) * plan_->max_duration_jitter * part;
  return accepted_.at + plan_->max_duration + milliseconds(static_cast<int64_t>(jitter));
}

void TcpProxy::start() {
  if (plan_->log_interval.count() != 0) next_log_ = active_ + plan_->log_interval;
  target_ = &plan_->pick(services_.random.next());
  if (plan_->log_on_start) log(LogMoment::TcpConnectionStart);
  connect();
}

void TcpProxy::connect() {
  state_ = State::Connecting;
  cluster::WorkerCluster* cluster = services_.clusters.find(target_->slot, services_.random.next());
  if (cluster == nullptr) {
    if (!awaiting_ && awaitCluster()) return;
    plan_->stats.no_route.add();
    return give(ResponseFlag::NoClusterFound);
  }
  connectTo(*cluster);
}

// False: it is of no use.
bool TcpProxy::awaitCluster() {
  std::optional<Pending<void>> coming = stream::untilCluster(services_, target_->name);
  if (!coming) return false;
  awaiting_.emplace(connectAfter(*std::move(coming)));
  awaiting_->start();
  armTimer();
  return true;
}

Task<Done> TcpProxy::connectAfter(Pending<void> coming) {
  co_await coming;
  if (state_ == State::Connecting) connect();
  co_return Done{};
}

void TcpProxy::connectTo(cluster::WorkerCluster& cluster) {
  const cluster::Cluster& settings = cluster.cluster();
  const cluster::Limits& limits = settings.limits(cluster::Priority::Default);
  const cluster::Budgets& budgets = settings.budgets(cluster::Priority::Default);
  if (budgets.connections.full(limits.max_connections)) {
    settings.stats().cx_overflow.add();
    return give(ResponseFlag::UpstreamOverflow);
  }
  if (budgets.pending.full(limits.max_pending)) {
    settings.stats().rq_pending_overflow.add();
    return give(ResponseFlag::UpstreamOverflow);
  }
  endpoint_ = cluster.chooseEndpoint(services_.random.next(), target_->wanted.get());
  if (endpoint_ == nullptr) return give(ResponseFlag::NoHealthyUpstream);
  ++attempts_;
  upstream_ = new Upstream(services_.loop, cluster.shared(), endpoint_, *this);
  if (upstream_->connect()) return armTimer();
  std::exchange(upstream_, nullptr)->close();
  failure_ = {Side::Upstream, FailureKind::ConnectFailed, Retry::Safe, "cannot connect"};
  retry();
}

// An attempt failed.
void TcpProxy::retry() {
  if (attempts_ >= plan_->max_connect_attempts) {
    flags_.set(ResponseFlag::UpstreamConnectionFailure);
    return give(ResponseFlag::UpstreamRetryLimitExceeded);
  }
  if (plan_->backoff_base.count() == 0) return connect();
  // Fully jittered: anything up to the base doubled with each attempt.
  const auto most = std::min<int64_t>(plan_->backoff_max.count(), plan_->backoff_base.count()
                                                                      << std::min(attempts_, 30u));
  const auto pause = static_cast<int64_t>(services_.random.next() % static_cast<uint64_t>(most));
  state_ = State::Waiting;
  next_try_ = services_.loop.now() + milliseconds(pause + 1);
  armTimer();
}

void TcpProxy::give(ResponseFlag flag) {
  flags_.set(flag);
  close();
}

void TcpProxy::onUpstreamConnected() {
  state_ = State::Relaying;
  active_ = services_.loop.now();
  failure_ = {};
  if (const auto& proxy = upstream_->cluster().settings().proxy_header) {
    std::string header;
    proxy->append(header, accepted_);
    upstream_->connection().write(header);
    upstream_->connection().flush();
    if (state_ == State::Closed) return;
  }
  if (!plan_->access_logs.empty()) {
    upstream_local_ =
        std::make_unique<std::string>(net::Address::localOf(upstream_->connection().fd()).text());
  }
  if (plan_->log_on_connected) log(LogMoment::TcpUpstreamConnected);
  armTimer();
  connection_->resumeRead();
}

size_t TcpProxy::onInput(char* data, size_t size) {
  if (state_ != State::Relaying) return 0;
  relay(*connection_, upstream_->connection(), data, size);
  return size;
}

size_t TcpProxy::onUpstreamInput(char* data, size_t size) {
  if (state_ != State::Relaying) return size;
  relay(upstream_->connection(), *connection_, data, size);
  return size;
}

// The bytes are gone or kept by `to` when this returns: nobody keeps the view.
void TcpProxy::relay(Connection& from, Connection& to, char* data, size_t size) {
  active_ = services_.loop.now();
  to.write({data, size});
  to.flush();
  if (!to.congested()) return;
  if (&from == connection_.get()) plan_->stats.paused_reading.add();
  from.pauseRead();
}

void TcpProxy::onWritable() {
  active_ = services_.loop.now();
  if (upstream_ != nullptr) upstream_->connection().resumeRead();
}

void TcpProxy::onUpstreamWritable() {
  active_ = services_.loop.now();
  plan_->stats.resumed_reading.add();
  connection_->resumeRead();
}

void TcpProxy::onInputEnd() {
  if (state_ != State::Relaying) return close();
  downstream_ended_ = true;
  upstream_->connection().finishWriting();
  closeIfDone();
}

void TcpProxy::onUpstreamEnd() {
  upstream_ended_ = true;
  connection_->finishWriting();
  closeIfDone();
}

// Both directions have ended, and everything was sent.
void TcpProxy::closeIfDone() {
  if (state_ != State::Relaying || !downstream_ended_ || !upstream_ended_) return;
  if (connection_->writeFinished() && upstream_->connection().writeFinished()) close();
}

// Lets the peer know that what it got was cut off.
void TcpProxy::reset(Connection& connection) {
  if (!connection.isOpen()) return;
  const linger now{1, 0};
  ::setsockopt(connection.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void TcpProxy::onFailed(const Failure&) {
  if (state_ == State::Closed) return;
  flags_.set(ResponseFlag::DownstreamConnectionTermination);
  if (upstream_ != nullptr) reset(upstream_->connection());
  close();
}

void TcpProxy::onUpstreamFailed(const Failure& failure) {
  if (state_ == State::Closed) return;
  failure_ = failure;
  upstream_in_ += upstream_->connection().bytesIn();
  upstream_out_ += upstream_->connection().bytesOut();
  upstream_ = nullptr;  // has closed itself
  if (state_ == State::Connecting) return retry();
  reset(*connection_);
  close();
}

void TcpProxy::close() {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  timer_.disarm();
  if (upstream_ != nullptr) {
    upstream_in_ += upstream_->connection().bytesIn();
    upstream_out_ += upstream_->connection().bytesOut();
    std::exchange(upstream_, nullptr)->close();
  }
  connection_->close();
  log(LogMoment::TcpConnectionEnd);
  connections_.onServerClosed(*this);
  services_.loop.destroyLater(this);
}

void TcpProxy::armTimer() {
  net::SteadyTime next = max_end_;
  if (next_log_ != net::SteadyTime{}) next = std::min(next, next_log_);
  if (state_ == State::Waiting) next = std::min(next, next_try_);
  if (state_ == State::Relaying && plan_->idle_timeout.count() != 0) {
    next = std::min(next, active_ + plan_->idle_timeout);
  }
  if (next != net::SteadyTime::max()) timer_.arm(services_.loop.timers(), next);
}

void TcpProxy::onTimer() {
  const net::SteadyTime now = services_.loop.now();
  if (max_end_ <= now) {
    plan_->stats.max_duration.add();
    termination_ = "max_connection_duration_reached";
    return give(ResponseFlag::DurationTimeout);
  }
  if (state_ == State::Relaying && plan_->idle_timeout.count() != 0 &&
      active_ + plan_->idle_timeout <= now) {
    plan_->stats.idle_timeout.add();
    termination_ = "tcp_session_idle_timeout";
    return close();
  }
  if (next_log_ != net::SteadyTime{} && next_log_ <= now) {
    log(LogMoment::TcpPeriodic);
    next_log_ = now + plan_->log_interval;
  }
  if (state_ == State::Waiting && next_try_ <= now) return connect();
  armTimer();
}

void TcpProxy::log(LogMoment moment) {
  if (plan_->access_logs.empty()) return;
  ConnectionLine line(accepted_, *connection_, moment, services_.loop.now());
  StreamInfo& info = line.info;
  info.downstream.wire_in = info.bytes_received = connection_->bytesIn();
  info.downstream.wire_out = info.bytes_sent = connection_->bytesOut();
  info.upstream.wire_in = upstream_in_;
  info.upstream.wire_out = upstream_out_;
  if (upstream_ != nullptr) {
    info.upstream.wire_in += upstream_->connection().bytesIn();
    info.upstream.wire_out += upstream_->connection().bytesOut();
  }
  info.flags = flags_;
  info.termination_details = termination_;
  if (target_ != nullptr) info.cluster = target_->name;
  if (endpoint_ != nullptr) {
    info.upstream_host = endpoint_->text;
    info.upstream_host_name = endpoint_->hostname;
    if (endpoint_->metadata != nullptr) info.upstream_metadata = &endpoint_->metadata->all;
  }
  if (upstream_ != nullptr) info.upstream_tls = upstream_->connection().tls();
  if (upstream_local_ != nullptr) info.upstream_local = *upstream_local_;
  info.upstream_failure = failure_;
  info.attempts = attempts_;
  plan_->access_logs.log(info);
}

}  // namespace weir::tcp
