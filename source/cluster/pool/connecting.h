// A Connecting is a pool's connection that is being made: it waits for the socket, at most for the
// cluster's connect_timeout, and then hands it to the pool, which makes a Client of it. Only then
// is it known what the connection speaks. Owned by the pool; dies at the end of the turn in which
// it is done. Worker thread only.
#pragma once

#include "source/cluster/cluster_use.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"

namespace weir::cluster {

class Pool;

class Connecting final : public transport::ConnectionUser,
                         public net::TimerUser,
                         public net::Deferred {
 public:
  Connecting(Pool& pool, net::Loop& loop);

  // False: failed at once, with errno; the caller destroys it.
  bool start();
  net::SteadyTime began() const { return began_; }
  // Once, when the pool has been told that it is connected.
  transport::ConnectionPtr take() { return std::move(connection_); }

  // Of the pool's list.
  Connecting* next = nullptr;

 private:
  // Bytes that come before anybody can read them stay with the connection.
  size_t onInput(char*, size_t) override { return 0; }
  void onInputEnd() override;
  void onConnected() override;
  void onFailed(const Failure& failure) override;
  void onTimer() override;
  void fail(FailureKind kind, std::string_view detail);

  Pool& pool_;
  const ClusterUse use_;
  net::Loop& loop_;
  transport::ConnectionPtr connection_;
  net::Timer timer_;
  net::SteadyTime began_{};
};

}  // namespace weir::cluster
