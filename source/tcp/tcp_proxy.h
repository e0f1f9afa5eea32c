// A TcpProxy serves one downstream connection whose bytes go to a cluster as they are. It connects
// at once and reads nothing before that has succeeded; then each side's bytes are written to the
// other as views into the loop's scratch. What the slower side does not take is kept, at most its
// high mark and one read, and the other side pauses. A side that ends (FIN) ends one direction; a
// side that breaks (RST) breaks the other.
//
//   Connecting (-> Waiting -> Connecting)* -> Relaying -> closed
//
// Owned by itself; dies at the end of the turn in which it closes. One worker.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/stream/services.h"
#include "source/tcp/tcp_proxy_plan.h"
#include "source/tcp/upstream.h"
#include "source/transport/connection.h"
#include "source/transport/server_connection.h"
#include "weir/pending.h"
#include "weir/stream_info.h"
#include "weir/task.h"

namespace weir::tcp {

class TcpProxy final : public transport::ServerConnection,
                       public transport::ConnectionUser,
                       public UpstreamUser,
                       public net::TimerUser {
 public:
  TcpProxy(stream::Services& services, std::shared_ptr<const TcpProxyPlan> plan,
           transport::ServerConnections& connections, transport::ConnectionPtr connection,
           const transport::Accepted& accepted);
  ~TcpProxy() override;

  // Once, when it stands in its list; may close at once.
  void start();
  // Nobody knows when a relay is idle: it goes on until its peers end it or time is over.
  void drain() override {}
  void leave() override {}
  void close() override;

 private:
  enum class State : uint8_t { Waiting, Connecting, Relaying, Closed };

  // transport::ConnectionUser: downstream
  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onWritable() override;
  void onWriteFinished() override { closeIfDone(); }
  void onFailed(const Failure& failure) override;

  // UpstreamUser
  void onUpstreamConnected() override;
  size_t onUpstreamInput(char* data, size_t size) override;
  void onUpstreamEnd() override;
  void onUpstreamWritable() override;
  void onUpstreamWriteFinished() override { closeIfDone(); }
  void onUpstreamFailed(const Failure& failure) override;

  void onTimer() override;

  void connect();
  bool awaitCluster();
  Task<Done> connectAfter(Pending<void> coming);
  void connectTo(cluster::WorkerCluster& cluster);
  void retry();
  void give(ResponseFlag flag);
  void relay(transport::Connection& from, transport::Connection& to, char* data, size_t size);
  void closeIfDone();
  void reset(transport::Connection& connection);
  void armTimer();
  void log(LogMoment moment);
  net::SteadyTime maxEnd() const;

  stream::Services& services_;
  std::shared_ptr<const TcpProxyPlan> plan_;
  transport::ServerConnections& connections_;
  const transport::ConnectionPtr connection_;
  Upstream* upstream_ = nullptr;
  const TcpProxyPlan::Target* target_ = nullptr;
  cluster::EndpointPtr endpoint_;  // of the last attempt
  net::Timer timer_;
  const transport::Accepted accepted_;
  net::SteadyTime active_;      // when a byte moved last
  net::SteadyTime next_log_{};  // periodic
  net::SteadyTime next_try_{};  // while Waiting
  net::SteadyTime max_end_;     // max() without a limit
  uint64_t upstream_in_ = 0;    // of connections that are gone, too
  uint64_t upstream_out_ = 0;
  std::unique_ptr<std::string> upstream_local_;  // where a log may ask for it
  std::string_view termination_;
  Failure failure_;                     // of the last attempt, or of the connection
  std::optional<Task<Done>> awaiting_;  // a cluster that was not there, once
  uint32_t attempts_ = 0;
  ResponseFlags flags_;
  State state_ = State::Connecting;
  bool downstream_ended_ = false;
  bool upstream_ended_ = false;
};

}  // namespace weir::tcp
