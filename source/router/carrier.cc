#include "source/router/carrier.h"

#include <string>
#include <utility>

#include "source/router/forward.h"

namespace weir::router {
namespace {

// A list without repetitions, as in Envoy; it begins when there is a second item.
void addOnce(std::string_view& list, std::string_view first, std::string_view item, Arena& arena) {
  std::string made(list.empty() ? first : list);
  const std::string between = "," + made + ",";
  if (between.find("," + std::string(item) + ",") == between.npos) made.append(",").append(item);
  list = arena.copy(made);
}

}  // namespace

void Carrier::start(cluster::WorkerCluster& cluster, cluster::Pool& pool, bool fresh) {
  begin(cluster, pool);
  pool.acquire(*this, fresh);
}

void Carrier::startTcp(cluster::WorkerCluster& cluster, cluster::Pool& pool,
                       cluster::Priority priority, net::Loop& loop) {
  begin(cluster, pool);
  stream_ = cluster::TcpStream::open(loop, cluster.shared(), pool.sharedEndpoint(), priority, *this,
                                     info_.upstream);
  if (stream_ == nullptr) {
    return onPoolFailure({Side::Weir, FailureKind::Refused, Retry::Never, "max_connections"}, true);
  }
  countRequest();
  forward_.onReady();
}

void Carrier::begin(cluster::WorkerCluster& cluster, cluster::Pool& pool) {
  cluster_ = &cluster;
  endpoint_ = &pool.endpoint();
  begun_ = response_started_ = tunnel_ = false;
  undecided_ = true;
  status_ = 0;
  tried_at_ = forward_.now();
  ++info_.attempts;
  nameEndpoint(pool);
}

// Copies: the endpoint may be gone before the stream is logged.
void Carrier::nameEndpoint(const cluster::Pool& pool) {
  Arena& arena = forward_.arena();
  const std::string_view host = arena.copy(endpoint_->text);
  const std::string_view name =
      endpoint_->hostname.empty() ? host : arena.copy(endpoint_->hostname);
  if (info_.attempts > 1) {
    addOnce(info_.upstream_hosts_attempted, info_.upstream_host, host, arena);
    addOnce(info_.upstream_names_attempted, info_.upstream_host_name, name, arena);
  }
  info_.upstream_host = host;
  info_.upstream_host_name = name;
  if (metadata_ != pool.metadata()) metadata_ = pool.metadata();
  info_.upstream_metadata = metadata_ == nullptr ? nullptr : &metadata_->all;
}

void Carrier::countRequest() {
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  stats.rq_total.add();
  stats.rq_active.add();
  counted_ = true;
  endpoint_->counts.rq_total.fetch_add(1, std::memory_order_relaxed);
  endpoint_->counts.rq_active.fetch_add(1, std::memory_order_relaxed);
  sent_at_ = forward_.now();
  info_.first_upstream_tx = sent_at_;
}

void Carrier::onPoolReady(cluster::Client& client) {
  countRequest();
  info_.upstream_protocol = client.protocol();
  info_.upstream_local = forward_.arena().copy(client.localText());
  if (client.isSecure()) info_.upstream_tls = client.tls();
  stream_ = &client.begin(*this, info_.upstream);
  if (response_paused_) stream_->pauseResponse();
  forward_.onReady();
}

void Carrier::sendHead(const RequestHead& head, bool end) {
  begun_ = true;
  stream_->sendHead(head, end);
  if (end) info_.last_upstream_tx = sent_at_;
}

void Carrier::sendBody(std::string_view data, bool end) {
  noteSent(end);
  stream_->sendBody(data, end);
}

void Carrier::sendTrailers(const Fields& trailers) {
  noteSent(true);
  stream_->sendTrailers(trailers);
}

void Carrier::noteSent(bool end) {
  if (end) info_.last_upstream_tx = forward_.now();
}

void Carrier::pauseResponse() {
  response_paused_ = true;
  if (stream_ != nullptr) stream_->pauseResponse();
}

void Carrier::resumeResponse() {
  response_paused_ = false;
  if (stream_ != nullptr) stream_->resumeResponse();
}

// The exchange with this endpoint is over, however it went.
void Carrier::finish() {
  stream_ = nullptr;
  if (!std::exchange(counted_, false)) return;
  cluster_->cluster().stats().rq_active.sub();
  endpoint_->counts.rq_active.fetch_sub(1, std::memory_order_relaxed);
}

// The whole response is here: the pool, and the endpoint with it, may go before the Forward does.
void Carrier::endResponse() {
  finish();
  endpoint_ = nullptr;
}

HandedStream Carrier::handOver(codec::ClientStreamUser& user, ByteMeter& bytes) {
  stream_->setUser(user, bytes);
  counted_ = false;
  return {std::exchange(stream_, nullptr), std::exchange(cluster_, nullptr)->shared(),
          std::exchange(endpoint_, nullptr)};
}

void HandedStream::over() const {
  stats().rq_active.sub();
  endpoint->counts.rq_active.fetch_sub(1, std::memory_order_relaxed);
}

void Carrier::cancel() {
  if (cluster_ == nullptr) return;
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  if (queued()) {
    stats.rq_cancelled.add();
    leaveQueue();
  }
  if (stream_ != nullptr) {
    stats.rq_tx_reset.add();
    std::exchange(stream_, nullptr)->detach();
  }
  finish();
  cluster_ = nullptr;
  endpoint_ = nullptr;
}

Attempt Carrier::outcome(const Failure& failure, bool will_retry) {
  undecided_ = false;
  return {.endpoint = info_.upstream_host,
          .failure = failure,
          .status = status_,
          .duration = forward_.now() - tried_at_,
          .will_retry = will_retry};
}

void Carrier::countTimeout() {
  if (endpoint_ != nullptr) endpoint_->counts.rq_timeout.fetch_add(1, std::memory_order_relaxed);
}

void Carrier::countError() { endpoint_->counts.rq_error.fetch_add(1, std::memory_order_relaxed); }

Arena& Carrier::responseArena() { return forward_.arena(); }

void Carrier::onUpstreamInterim(ResponseHead& head) { forward_.onInterim(head); }

void Carrier::onUpstreamHead(ResponseHead& head, bool end) {
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  auto& counts = endpoint_->counts;
  status_ = head.status;
  (head.status < 500 ? counts.rq_success : counts.rq_error).fetch_add(1, std::memory_order_relaxed);
  if (forward_.takesAnother(head)) {
    stats.countRetried(head.status);
    if (end) finish();
    return forward_.retry();
  }
  stats.countStatus(head.status);
  response_started_ = true;
  tunnel_ = forward_.opensTunnel(head);
  info_.first_upstream_rx = forward_.now();
  stats.rq_time.record(
      static_cast<uint64_t>((info_.first_upstream_rx - sent_at_) / std::chrono::microseconds(1)));
  if (end) {
    info_.last_upstream_rx = info_.first_upstream_rx;
    endResponse();
  }
  forward_.onHead(head, end);
}

void Carrier::onUpstreamBody(std::string_view data, bool end) {
  if (end) {
    info_.last_upstream_rx = forward_.now();
    if (!tunnel_) endResponse();
  }
  forward_.onBody(data, end);
}

void Carrier::onUpstreamTrailers(Fields& trailers) {
  info_.last_upstream_rx = forward_.now();
  endResponse();
  forward_.onTrailers(trailers);
}

void Carrier::onUpstreamFailure(const Failure& failure) {
  cluster_->cluster().stats().rq_rx_reset.add();
  finish();
  forward_.onFailure(failure, false);
}

void Carrier::onPoolFailure(const Failure& failure, bool overflow) {
  finish();
  forward_.onFailure(failure, overflow);
}

void Carrier::onUpstreamWritable() { forward_.onWritable(); }

}  // namespace weir::router
