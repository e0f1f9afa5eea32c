#include "source/cluster/pool/byte_line.h"

#include <algorithm>
#include <utility>

#include "source/cluster/connect_to.h"

namespace weir::cluster {

ByteAsker::~ByteAsker() {
  if (line_ == nullptr) return;
  line_->lines_.cluster().stats().rq_cancelled.add();
  for (ByteLine::Entry& entry : line_->entries_) {
    if (entry.asker != this) continue;
    line_->release(entry);
    return;
  }
}

void ByteAsker::giveUp() {
  if (line_ == nullptr) return;
  line_->lines_.cluster().stats().rq_timeout.add();
  line_->endpoint_->counts.rq_timeout.fetch_add(1, std::memory_order_relaxed);
  line_->fail(FailureKind::Timeout, "no reply in time");
}

ByteLine::ByteLine(ByteLines& lines, net::Loop& loop, EndpointPtr endpoint)
    : lines_(lines),
      use_(lines.owner_),
      endpoint_(std::move(endpoint)),
      connection_(loop, *this),
      timer_(*this) {
  connection_.countInto(&lines.cluster().stats().bytes);
}

bool ByteLine::connect() {
  began_ = connection_.loop().now();
  if (!connectTo(connection_, lines_.cluster().settings(), *endpoint_)) return false;
  timer_.arm(connection_.loop().timers(), began_ + lines_.cluster().settings().connect_timeout);
  return true;
}

void ByteLine::ask(ByteAsker& asker, const ByteRequest& request) {
  const Cluster& cluster = lines_.cluster();
  const uint32_t most = cluster.limits(Priority::Default).max_requests;
  if (cluster.budgets(Priority::Default).requests.full(most) || entries_.size() >= most) {
    cluster.stats().rq_pending_overflow.add();
    return asker.onByteFailure({Side::Weir, FailureKind::Refused, Retry::Never, "max_requests"});
  }
  cluster.budgets(Priority::Default).requests.take();
  cluster.stats().rq_total.add();
  cluster.stats().rq_active.add();
  endpoint_->counts.rq_total.fetch_add(1, std::memory_order_relaxed);
  endpoint_->counts.rq_active.fetch_add(1, std::memory_order_relaxed);
  if (connected_) timer_.disarm();
  asker.line_ = this;
  entries_.push_back({&asker, request.reply_size, request.max_reply, connection_.loop().now()});
  if (!connected_) return static_cast<void>(early_ += request.bytes);
  connection_.write(request.bytes);
  connection_.flush();  // the asker may be gone before the turn is
}

// Nobody waits for this one any more. Answers who did.
ByteAsker* ByteLine::release(Entry& entry) {
  if (entry.asker == nullptr) return nullptr;
  const Cluster& cluster = lines_.cluster();
  cluster.budgets(Priority::Default).requests.give();
  cluster.stats().rq_active.sub();
  endpoint_->counts.rq_active.fetch_sub(1, std::memory_order_relaxed);
  entry.asker->line_ = nullptr;
  return std::exchange(entry.asker, nullptr);
}

size_t ByteLine::onInput(char* data, size_t size) {
  size_t taken = 0;
  while (taken < size && connection_.isOpen()) {
    const std::string_view received(data + taken, size - taken);
    if (entries_.empty()) {
      fail(FailureKind::ProtocolError, "bytes that nobody asked for");
      break;
    }
    const Entry& first = entries_.front();
    const size_t reply = first.reply_size(received);
    if (reply > received.size()) {
      fail(FailureKind::ProtocolError, "the reply is not of the protocol");
    } else if (reply > first.max_reply || (reply == 0 && received.size() > first.max_reply)) {
      fail(FailureKind::LimitExceeded, "the reply is too long");
    } else if (reply == 0) {
      return taken;
    } else {
      taken += reply;
      answer(received.substr(0, reply));
    }
  }
  return connection_.isOpen() ? taken : size;
}

void ByteLine::answer(std::string_view reply) {
  Entry entry = entries_.front();
  entries_.pop_front();
  const auto took = connection_.loop().now() - entry.asked;
  lines_.cluster().stats().rq_time.record(
      static_cast<uint64_t>(took / std::chrono::microseconds(1)));
  endpoint_->counts.rq_success.fetch_add(1, std::memory_order_relaxed);
  if (ByteAsker* asker = release(entry)) asker->onByteReply(reply);
  if (entries_.empty()) rest();
}

// Nothing is outstanding.
void ByteLine::rest() {
  if (retired_) return fail(FailureKind::ConnectionClosed, "the endpoint is gone");
  connection_.trim();
  const auto idle = lines_.cluster().settings().idle_timeout;
  if (idle.count() != 0) timer_.arm(connection_.loop().timers(), connection_.loop().now() + idle);
}

void ByteLine::retire() {
  retired_ = true;
  if (entries_.empty()) rest();
}

void ByteLine::onConnected() {
  connected_ = true;
  timer_.disarm();
  const auto took = connection_.loop().now() - began_;
  lines_.cluster().stats().cx_connect_ms.record(
      static_cast<uint64_t>(took / std::chrono::microseconds(1)));
  const std::string early = std::exchange(early_, {});
  connection_.write(early);
  connection_.flush();
}

void ByteLine::onTimer() {
  if (!connected_) return fail(FailureKind::ConnectTimeout, "connect timeout");
  lines_.cluster().stats().cx_idle_timeout.add();
  fail(FailureKind::ConnectionClosed, "idle");
}

void ByteLine::onInputEnd() { fail(FailureKind::ConnectionClosed, "upstream closed", false); }

void ByteLine::onFailed(const Failure& failure) { fail(failure.kind, failure.detail, false); }

void ByteLine::fail(FailureKind kind, std::string_view detail, bool locally) {
  const ClusterStats& stats = lines_.cluster().stats();
  if (kind == FailureKind::ProtocolError) stats.cx_protocol_error.add();
  if (kind == FailureKind::ConnectTimeout) stats.cx_connect_timeout.add();
  if (!connected_) {
    if (kind != FailureKind::ConnectTimeout) kind = FailureKind::ConnectFailed;
    stats.cx_connect_fail.add();
    endpoint_->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
  }
  if (!entries_.empty()) stats.cx_destroy_with_active_rq.add();
  timer_.disarm();
  connection_.close();
  lines_.forget(*this, locally);
  for (Entry& entry : std::exchange(entries_, {})) {
    endpoint_->counts.rq_error.fetch_add(1, std::memory_order_relaxed);
    if (ByteAsker* asker = release(entry)) {
      asker->onByteFailure({Side::Upstream, kind, Retry::Never, detail});
    }
  }
}

void ByteLines::closeAll() {
  while (!lines_.empty()) {
    lines_.back()->fail(FailureKind::ConnectionClosed, "the cluster is gone");
  }
}

ByteLine* ByteLines::to(const EndpointPtr& endpoint) {
  const auto open = std::find_if(lines_.begin(), lines_.end(), [&](const ByteLine* line) {
    return line->endpoint().isSameHost(*endpoint);
  });
  if (open != lines_.end()) return *open;
  auto line = std::make_unique<ByteLine>(*this, loop_, endpoint);
  cluster_->stats().cx_total.add();
  endpoint->counts.cx_total.fetch_add(1, std::memory_order_relaxed);
  if (!line->connect()) {
    cluster_->stats().cx_connect_fail.add();
    endpoint->counts.cx_connect_fail.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  cluster_->budgets(Priority::Default).connections.take();
  cluster_->stats().cx_active.add();
  endpoint->counts.cx_active.fetch_add(1, std::memory_order_relaxed);
  lines_.push_back(line.release());
  return lines_.back();
}

void ByteLines::keepOnly(const EndpointSet& endpoints) {
  const std::vector<ByteLine*> all = lines_;  // who retires leaves the list
  for (ByteLine* line : all) {
    const bool stays = std::any_of(
        endpoints.all.begin(), endpoints.all.end(),
        [&](const EndpointPtr& endpoint) { return endpoint->isSameHost(line->endpoint()); });
    if (!stays) line->retire();
  }
}

void ByteLines::forget(ByteLine& line, bool locally) {
  std::erase(lines_, &line);
  const ClusterStats& stats = cluster_->stats();
  cluster_->budgets(Priority::Default).connections.give();
  stats.cx_active.sub();
  stats.cx_destroy.add();
  (locally ? stats.cx_destroy_local : stats.cx_destroy_remote).add();
  line.endpoint().counts.cx_active.fetch_sub(1, std::memory_order_relaxed);
  loop_.destroyLater(&line);
}

}  // namespace weir::cluster
