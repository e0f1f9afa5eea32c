// An Http1Pool holds one worker's connections to one endpoint. Requests take the connection used
// last; without one they wait while a new one connects. Circuit breakers are the cluster's, by
// priority, and count across workers. Owner: WorkerCluster. Worker thread only.
#pragma once

#include <string_view>

#include "source/cluster/cluster.h"
#include "source/cluster/pool/http1_client.h"
#include "source/net/loop.h"

namespace weir::cluster {

// Someone who wants to send a request. Destroying it leaves the queue.
class PoolWaiter {
 public:
  virtual void onPoolReady(Http1Client& client) = 0;
  // `overflow`: a circuit breaker refused; otherwise no connection could be made.
  virtual void onPoolFailure(const Failure& failure, bool overflow) = 0;

  PoolWaiter(const PoolWaiter&) = delete;
  PoolWaiter& operator=(const PoolWaiter&) = delete;

 protected:
  PoolWaiter() = default;
  ~PoolWaiter() { leaveQueue(); }
  void leaveQueue();
  bool queued() const { return pool_ != nullptr; }

 private:
  friend class Http1Pool;
  Http1Pool* pool_ = nullptr;  // set while queued
  PoolWaiter* next_ = nullptr;
  PoolWaiter* previous_ = nullptr;
};

// What a pool tells its owner.
class PoolOwner {
 public:
  virtual void onPoolEmpty(Http1Pool& pool) = 0;  // draining, and its last connection is gone

 protected:
  ~PoolOwner() = default;
};

class Http1Pool {
 public:
  Http1Pool(net::Loop& loop, PoolOwner& owner, const Cluster& cluster, EndpointPtr endpoint,
            Priority priority = Priority::Default);
  Http1Pool(const Http1Pool&) = delete;
  ~Http1Pool();

  // Calls the waiter back, at once or later, exactly once unless it leaves. `fresh`: idle
  // connections are passed over.
  void acquire(PoolWaiter& waiter, bool fresh = false);
  // No new connections; idle ones close now, busy ones after their exchange.
  void drain();
  bool empty() const { return busy_ == nullptr && idle_ == nullptr && connecting_ == 0; }

  const Cluster& cluster() const { return cluster_; }
  const Endpoint& endpoint() const { return *endpoint_; }
  const EndpointPtr& sharedEndpoint() const { return endpoint_; }

  // From Http1Client.
  void onConnected(Http1Client& client);
  void onConnectFailed(Http1Client& client, const Failure& failure);
  void onIdle(Http1Client& client);
  void onClosed(Http1Client& client, bool was_busy);
  void onRequestEnd();  // gives the request's share of max_requests back

 private:
  friend class PoolWaiter;
  static void link(Http1Client*& list, Http1Client& client);
  static void unlink(Http1Client*& list, Http1Client& client);
  void enqueue(PoolWaiter& waiter);
  void dequeue(PoolWaiter& waiter);
  bool startConnection();
  void serve(Http1Client& client, PoolWaiter& waiter);
  void give(Http1Client& client);
  void forget(Http1Client*& list, Http1Client& client);
  void failWaiters(const Failure& failure);

  net::Loop& loop_;
  PoolOwner& owner_;
  const Cluster& cluster_;
  const Limits& limits_;
  Budgets& budgets_;
  EndpointPtr endpoint_;
  Http1Client* idle_ = nullptr;
  Http1Client* busy_ = nullptr;  // connecting ones too
  PoolWaiter* first_ = nullptr;
  PoolWaiter* last_ = nullptr;
  uint32_t connecting_ = 0;
  uint32_t connections_ = 0;
  bool draining_ = false;
};

}  // namespace weir::cluster
