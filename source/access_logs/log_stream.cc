#include "source/access_logs/log_stream.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir::access_logs {
namespace {

constexpr std::string_view kMethod =
    "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

// Beyond this the memory of a message is given back when it has been sent.
constexpr size_t kKeptBytes = 64 * 1024;

}  // namespace

LogStream::LogStream(net::Loop& loop, std::shared_ptr<const LogSettings> settings,
                     const rpc::MakeStream& make, std::function<uint64_t()> random)
    : loop_(loop),
      settings_(std::move(settings)),
      make_(make),
      random_(std::move(random)),
      most_(std::max(kMostWaiting, settings_->buffer_bytes)),
      back_off_(settings_->back_off),
      timer_(*this) {}

LogStream::~LogStream() { assert(stopped_); }

bool LogStream::admit() {
  if (bytes_ < most_ && !finishing_) return true;
  settings_->dropped.add();
  return false;
}

void LogStream::added(size_t bytes) {
  settings_->written.add();
  if (bytes_ == 0) flush_at_ = loop_.now() + settings_->flush_interval;
  bytes_ += bytes;
  const bool waits = timer_.armed();  // for the next attempt, or until flush_at_
  if (waits && (stream_ == nullptr || bytes_ < settings_->buffer_bytes)) return;
  loop_.atTurnEnd(*this);
}

// Whatever is to be done now, or the timer for it.
void LogStream::step() {
  if (bytes_ == 0) return;
  const net::SteadyTime now = loop_.now();
  if (stream_ == nullptr) {
    if (now < retry_at_) return timer_.arm(loop_.timers(), retry_at_);
    open();
    if (stream_ == nullptr) return;
  }
  if (bytes_ < settings_->buffer_bytes && now < flush_at_) {
    return timer_.arm(loop_.timers(), flush_at_);
  }
  send();
}

void LogStream::open() {
  timer_.disarm();
  identified_ = false;
  opened_at_ = loop_.now();
  stream_ = make_(kMethod, *this);
  stream_->start();
}

// When it is congested, onStreamWritable() comes back.
void LogStream::send() {
  if (stream_->congested()) return;
  timer_.disarm();
  deliver();
}

void LogStream::deliver() {
  if (!std::exchange(identified_, true)) *message_.mutable_identifier() = settings_->identifier;
  stream_->send(message_);
  clear();
}

void LogStream::clear() {
  if (bytes_ > kKeptBytes) {
    message_ = Message();
  } else {
    message_.Clear();
  }
  bytes_ = 0;
}

size_t LogStream::entries() const {
  return static_cast<size_t>(message_.http_logs().log_entry_size() +
                             message_.tcp_logs().log_entry_size());
}

void LogStream::onStreamEnd(std::string_view why) {
  if (stream_ == nullptr) return;
  rpc::destroyLater(loop_, std::move(stream_));
  if (finishing_) return stop();
  const net::SteadyTime now = loop_.now();
  if (now - opened_at_ >= kGood) {
    back_off_.reset();
    failing_ = false;
  }
  if (!std::exchange(failing_, true)) {
    spdlog::warn("access log '{}': the stream to cluster '{}' ended: {}; it is tried again",
                 settings_->identifier.log_name(), settings_->target.cluster, why);
  }
  retry_at_ = now + back_off_.next(random_());
  if (bytes_ != 0) timer_.arm(loop_.timers(), retry_at_);
}

void LogStream::finish() {
  if (stopped_ || std::exchange(finishing_, true)) return;
  if (stream_ == nullptr) return stop();
  timer_.arm(loop_.timers(), loop_.now() + kLastWords);
  sendLast();
}

// What is sent here waits for no timer: the one that is armed ends the stream.
void LogStream::sendLast() {
  if (stream_ == nullptr || all_sent_) return;
  if (bytes_ == 0 && !identified_) return stop();  // nothing was ever said on it
  if (bytes_ != 0) {
    if (stream_->congested()) return;
    deliver();
  }
  if (stream_ == nullptr) return;
  all_sent_ = true;
  stream_->finish();
}

void LogStream::stop() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  finishing_ = true;
  timer_.disarm();
  loop_.cancelTurnEnd(*this);
  settings_->dropped.add(entries());
  clear();
  stream_.reset();
}

void LogStream::release() {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  loop_.post([self = shared_from_this()] { self->finish(); });
}

}  // namespace weir::access_logs
