// A LogStream is one worker's way to an access log service. Entries wait in it until there are
// enough of them, or one has waited long enough; then they leave as one message on a stream of the
// worker's own, which is opened again, after a pause, when it ends. While there is none, or the
// service does not read, entries wait up to kMostWaiting bytes; more are dropped and counted.
//
// The worker's thread, but for release().
//
//   (admit, an entry into message(), added)*  finish?  stop
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "envoy/service/accesslog/v3/als.pb.h"
#include "source/net/loop.h"
#include "source/rpc/grpc_target.h"
#include "source/rpc/message_stream.h"
#include "weir/stats.h"

namespace weir::access_logs {

// What one log of a service is configured to. Immutable, shared by all workers.
struct LogSettings {
  rpc::GrpcTarget target;
  envoy::service::accesslog::v3::StreamAccessLogsMessage::Identifier identifier;
  std::chrono::milliseconds flush_interval{1000};
  size_t buffer_bytes = 16'384;  // of entries that make a message; 0: each is one
  rpc::BackOff::Bounds back_off{std::chrono::milliseconds(500), std::chrono::milliseconds(5000)};
  Counter written, dropped;
};

class LogStream final : public std::enable_shared_from_this<LogStream>,
                        private rpc::MessageStreamUser,
                        private net::TimerUser,
                        private net::TurnEnd {
 public:
  using Message = envoy::service::accesslog::v3::StreamAccessLogsMessage;

  static constexpr size_t kMostWaiting = 1 << 20;
  // How long the service has to take what is left when the stream is no longer needed.
  static constexpr std::chrono::milliseconds kLastWords{500};
  // A stream that lived so long was no failed attempt.
  static constexpr std::chrono::seconds kGood{10};

  // Its clusters, and `loop`, are there until stop().
  LogStream(net::Loop& loop, std::shared_ptr<const LogSettings> settings,
            const rpc::MakeStream& make, std::function<uint64_t()> random);
  ~LogStream();

  // False: too much waits, and the entry is counted as dropped.
  bool admit();
  Message& message() { return message_; }
  void added(size_t bytes);

  // In a turn. What waits is sent if it can be, and the stream is ended; done() after kLastWords at
  // most.
  void finish();
  bool done() const { return finishing_ && stream_ == nullptr; }
  // In a turn, before clusters and loop go.
  void stop();
  // Any thread: finish(), soon.
  void release();

 private:
  size_t entries() const;
  void step();
  void open();
  void send();
  void sendLast();
  void deliver();
  void clear();

  void onMessage(std::string_view) override {}
  void onStreamEnd(std::string_view why) override;
  void onStreamWritable() override { finishing_ ? sendLast() : step(); }
  void onTimer() override { finishing_ ? stop() : step(); }
  void onTurnEnd() override { finishing_ ? sendLast() : step(); }

  net::Loop& loop_;
  const std::shared_ptr<const LogSettings> settings_;
  const rpc::MakeStream make_;
  const std::function<uint64_t()> random_;
  const size_t most_;  // bytes of entries that may wait
  Message message_;    // the next one
  size_t bytes_ = 0;   // of the entries in it
  net::SteadyTime flush_at_{};
  net::SteadyTime opened_at_{}, retry_at_{};
  rpc::BackOff back_off_;
  net::Timer timer_;
  std::unique_ptr<rpc::MessageStream> stream_;
  bool identified_ = false;  // on this stream
  bool failing_ = false;     // and it was said
  bool finishing_ = false;
  bool all_sent_ = false;  // and the stream was told
  std::mutex mutex_;
  bool stopped_ = false;  // written with the mutex held
};

}  // namespace weir::access_logs
