// A TcpStream answers CONNECT in the origin's place: it connects to an endpoint that speaks
// anything, says 200 when it has, and is the tunnel's stream from then on. One connection, used
// once. It counts in its cluster as a connection and as a request. Owned by itself; dies at the end
// of the turn in which it ends or is detached. Worker thread only.
//
//   open sendHead [setUser] (sendBody | …)* (both ends | failure | detach)
#pragma once

#include "source/cluster/cluster.h"
#include "source/codec/stream.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"

namespace weir::cluster {

class TcpStream final : public codec::ClientStream,
                        transport::ConnectionUser,
                        net::TimerUser,
                        public net::Deferred {
 public:
  // Null: the cluster has no room for another connection (max_connections, max_requests).
  static TcpStream* open(net::Loop& loop, ClusterPtr cluster, EndpointPtr endpoint,
                         Priority priority, codec::ClientStreamUser& user, ByteMeter& bytes);

  // codec::ClientStream
  void sendHead(const RequestHead& head, bool end) override;  // connects
  void sendBody(std::string_view data, bool end) override;
  void sendTrailers(const Fields&) override {}
  void pauseResponse() override { connection_.pauseRead(); }
  void resumeResponse() override { connection_.resumeRead(); }
  bool congested() const override { return connection_.congested(); }
  void setUser(codec::ClientStreamUser& user, ByteMeter& bytes) override;
  void detach() override;
  bool reused() const override { return false; }

 private:
  TcpStream(net::Loop& loop, ClusterPtr cluster, EndpointPtr endpoint, Priority priority,
            codec::ClientStreamUser& user, ByteMeter& bytes);

  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onConnected() override;
  void onWritable() override;
  void onFailed(const Failure& failure) override;
  void onTimer() override;

  void fail(FailureKind kind, std::string_view detail);
  void release();
  void finish();
  void linger();
  void end(bool locally);

  const ClusterPtr cluster_;
  EndpointPtr endpoint_;
  Budgets& budgets_;
  transport::Connection connection_;
  net::Timer timer_;  // to connect, or to get rid of the last bytes
  codec::ClientStreamUser* user_;
  ByteMeter* bytes_;
  net::SteadyTime began_;
  uint64_t lingered_at_ = 0;  // bytes sent when it was looked last
  bool refused_ = false;      // connect() failed at once
  bool connected_ = false, client_ended_ = false, upstream_ended_ = false;
};

}  // namespace weir::cluster
