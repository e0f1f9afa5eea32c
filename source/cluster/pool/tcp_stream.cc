#include "source/cluster/pool/tcp_stream.h"

#include <algorithm>
#include <utility>

#include "source/cluster/connect_to.h"

namespace weir::cluster {
namespace {

constexpr std::chrono::seconds kLingerStep{1};

}  // namespace

TcpStream* TcpStream::open(net::Loop& loop, ClusterPtr cluster, EndpointPtr endpoint,
                           Priority priority, codec::ClientStreamUser& user, ByteMeter& bytes) {
  const Budgets& budgets = cluster->budgets(priority);
  const Limits& limits = cluster->limits(priority);
  if (budgets.requests.full(limits.max_requests)) {
    cluster->stats().rq_pending_overflow.add();
    return nullptr;
  }
  if (budgets.connections.full(limits.max_connections)) {
    cluster->stats().cx_overflow.add();
    return nullptr;
  }
  return new TcpStream(loop, std::move(cluster), std::move(endpoint), priority, user, bytes);
}

TcpStream::TcpStream(net::Loop& loop, ClusterPtr cluster, EndpointPtr endpoint, Priority priority,
                     codec::ClientStreamUser& user, ByteMeter& bytes)
    : cluster_(std::move(cluster)),
      endpoint_(std::move(endpoint)),
      budgets_(cluster_->budgets(priority)),
      connection_(loop, *this),
      timer_(*this),
      user_(&user),
      bytes_(&bytes),
      began_(loop.now()) {
  connection_.countInto(&cluster_->stats().bytes);
  connection_.setHighMark(
      std::min(cluster_->settings().buffer_limit, transport::Connection::kDefaultHighMark));
  cluster_->stats().cx_total.add();
  cluster_->stats().cx_active.add();
  endpoint_->counts.cx_total.fetch_add(1, std::memory_order_relaxed);
  endpoint_->counts.cx_active.fetch_add(1, std::memory_order_relaxed);
  budgets_.connections.take();
  budgets_.requests.take();
}

void TcpStream::sendHead(const RequestHead& head, bool) {
  const ClusterSettings& settings = cluster_->settings();
  TlsWish wish;
  if (settings.names) wish.server_name = settings.names->of(head, user_->responseArena());
  // Who calls this does not expect to hear of a failure yet.
  refused_ = !connectTo(connection_, settings, *endpoint_, wish);
  const auto patience = refused_ ? std::chrono::milliseconds(0) : settings.connect_timeout;
  timer_.arm(connection_.loop().timers(), began_ + patience);
}

void TcpStream::onConnected() {
  connected_ = true;
  timer_.disarm();
  const auto took = connection_.loop().now() - began_;
  cluster_->stats().cx_connect_ms.record(
      static_cast<uint64_t>(took / std::chrono::microseconds(1)));
  Arena& arena = user_->responseArena();
  user_->onUpstreamHead(*arena.make<ResponseHead>(arena), false);
}

void TcpStream::setUser(codec::ClientStreamUser& user, ByteMeter& bytes) {
  user_ = &user;
  bytes_ = &bytes;
}

void TcpStream::sendBody(std::string_view data, bool end) {
  bytes_->wire_out += data.size();
  connection_.write(data);
  if (!end) return;
  client_ended_ = true;
  connection_.finishWriting();
  if (upstream_ended_ && user_ != nullptr) finish();
}

size_t TcpStream::onInput(char* data, size_t size) {
  if (user_ == nullptr) return size;
  bytes_->wire_in += size;
  user_->onUpstreamBody({data, size}, false);
  return size;
}

void TcpStream::onInputEnd() {
  if (user_ == nullptr) return;
  upstream_ended_ = true;
  codec::ClientStreamUser* user = user_;
  if (client_ended_) finish();
  user->onUpstreamBody({}, true);
}

void TcpStream::onWritable() {
  if (user_ != nullptr) user_->onUpstreamWritable();
}

void TcpStream::onFailed(const Failure& failure) { fail(failure.kind, failure.detail); }

void TcpStream::onTimer() {
  if (refused_) return fail(FailureKind::ConnectFailed, "cannot connect");
  if (!connected_) return fail(FailureKind::ConnectTimeout, "connect timeout");
  const bool stuck = std::exchange(lingered_at_, connection_.bytesOut()) == connection_.bytesOut();
  stuck ? end(true) : linger();
}

void TcpStream::fail(FailureKind kind, std::string_view detail) {
  codec::ClientStreamUser* user = std::exchange(user_, nullptr);
  if (!connected_) {
    cluster_->stats().cx_connect_fail.add();
    if (kind == FailureKind::ConnectTimeout) cluster_->stats().cx_connect_timeout.add();
    endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
    if (kind != FailureKind::ConnectTimeout) kind = FailureKind::ConnectFailed;
  }
  if (user != nullptr) release();
  end(false);
  if (user != nullptr) user->onUpstreamFailure({Side::Upstream, kind, Retry::Safe, detail});
}

void TcpStream::detach() {
  if (std::exchange(user_, nullptr) == nullptr) return;
  release();
  end(true);
}

// As a request it is over.
void TcpStream::release() { budgets_.requests.give(); }

// Both directions have ended. What the endpoint has not taken yet is its own still.
void TcpStream::finish() {
  user_ = nullptr;
  release();
  linger();
}

void TcpStream::linger() {
  if (connection_.writeFinished()) return end(true);
  timer_.arm(connection_.loop().timers(), connection_.loop().now() + kLingerStep);
}

void TcpStream::end(bool locally) {
  const ClusterStats& stats = cluster_->stats();
  timer_.disarm();
  connection_.close();
  stats.cx_active.sub();
  stats.cx_destroy.add();
  (locally ? stats.cx_destroy_local : stats.cx_destroy_remote).add();
  stats.cx_length_ms.record(
      static_cast<uint64_t>((connection_.loop().now() - began_) / std::chrono::microseconds(1)));
  endpoint_->counts.cx_active.fetch_sub(1, std::memory_order_relaxed);
  budgets_.connections.give();
  connection_.loop().destroyLater(this);
}

}  // namespace weir::cluster
