// An Upstream is one attempt to reach an endpoint of a cluster, and when it succeeds, the
// connection that a TcpProxy relays to. It keeps the cluster's and the endpoint's counts. Owned by
// its user through close(): it dies at the turn's end. One worker.
//
//   connect -> (failed | connected -> input* -> (end | failed)*) ; close at any time, no callback
#pragma once

#include "source/cluster/cluster.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"

namespace weir::tcp {

class UpstreamUser {
 public:
  virtual void onUpstreamConnected() = 0;
  virtual size_t onUpstreamInput(char* data, size_t size) = 0;
  virtual void onUpstreamEnd() = 0;
  virtual void onUpstreamWritable() = 0;
  virtual void onUpstreamWriteFinished() = 0;
  // Not connected, or the connection broke. The Upstream is closed.
  virtual void onUpstreamFailed(const Failure& failure) = 0;

 protected:
  ~UpstreamUser() = default;
};

class Upstream final : public transport::ConnectionUser, net::TimerUser, public net::Deferred {
 public:
  Upstream(net::Loop& loop, cluster::ClusterPtr cluster, cluster::EndpointPtr endpoint,
           UpstreamUser& user);

  // False: failed at once, with errno; it is closed, and nobody is called.
  bool connect();
  void close();
  bool connected() const { return connected_; }
  transport::Connection& connection() { return connection_; }
  const cluster::Endpoint& endpoint() const { return *endpoint_; }
  const cluster::Cluster& cluster() const { return *cluster_; }

 private:
  size_t onInput(char* data, size_t size) override { return user_.onUpstreamInput(data, size); }
  void onInputEnd() override;
  void onConnected() override;
  void onWritable() override { user_.onUpstreamWritable(); }
  void onWriteFinished() override { user_.onUpstreamWriteFinished(); }
  void onFailed(const Failure& failure) override;
  void onTimer() override;
  void fail(Failure failure);

  cluster::ClusterPtr cluster_;
  cluster::EndpointPtr endpoint_;
  UpstreamUser& user_;
  transport::Connection connection_;
  net::Timer timer_;  // to connect
  net::SteadyTime began_{};
  bool open_ = false;
  bool connected_ = false;
  bool remote_ended_ = false;
};

}  // namespace weir::tcp
