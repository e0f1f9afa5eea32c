// A Pool holds one worker's connections to one endpoint, of one HTTP version or of the one that TLS
// agrees on. Requests take the connection used last that has room; without one they wait while a
// new one connects. Circuit breakers are the cluster's, by priority, and count across workers.
// Owner: WorkerCluster. Worker thread only.
#pragma once

#include <string_view>

#include "source/cluster/cluster.h"
#include "source/cluster/cluster_use.h"
#include "source/cluster/pool/client.h"
#include "source/cluster/pool/connecting.h"
#include "source/net/loop.h"

namespace weir::cluster {

// Someone who wants to send a request. Destroying it leaves the queue.
class PoolWaiter {
 public:
  // To call client.begin() before it returns.
  virtual void onPoolReady(Client& client) = 0;
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
  friend class Pool;
  Pool* pool_ = nullptr;  // set while queued
  PoolWaiter* next_ = nullptr;
  PoolWaiter* previous_ = nullptr;
};

// What a pool tells its owner, which its connections keep in being.
class PoolOwner : public ClusterUses {
 public:
  virtual void onPoolEmpty(Pool& pool) = 0;  // draining, and its last connection is gone

 protected:
  ~PoolOwner() = default;
};

// Requests of different keys never share a connection.
struct PoolKey {
  Priority priority = Priority::Default;
  HttpVersion version = HttpVersion::Http1;  // never AsDownstream
  std::string server_name;                   // of RequestNames, else empty
};

class Pool {
 public:
  Pool(net::Loop& loop, PoolOwner& owner, const Cluster& cluster, EndpointPtr endpoint,
       PoolKey key = {});
  Pool(const Pool&) = delete;
  ~Pool();

  // Calls the waiter back, at once or later, exactly once unless it leaves. `fresh`: idle
  // connections are passed over.
  void acquire(PoolWaiter& waiter, bool fresh = false);
  // Another version of the cluster, which goes on with the connections.
  void setCluster(const Cluster& cluster);
  // No new connections; idle ones close now, busy ones after what they carry.
  void drain();
  bool empty() const { return open_.empty() && full_.empty() && connecting_ == nullptr; }
  const Cluster& cluster() const { return *cluster_; }
  const Endpoint& endpoint() const { return *endpoint_; }
  const EndpointPtr& sharedEndpoint() const { return endpoint_; }
  // As it is said now of the host; null: nothing.
  const EndpointMetadataPtr& metadata() const { return metadata_; }
  void setMetadata(EndpointMetadataPtr metadata) { metadata_ = std::move(metadata); }
  HttpVersion version() const { return version_; }
  const std::string& serverName() const { return server_name_; }
  net::Loop& loop() { return loop_; }
  ClusterUse use() { return ClusterUse(owner_); }

  // From connections.
  void onConnected(Connecting& connecting);
  void onConnectFailed(Connecting& connecting, const Failure& failure);
  void onRoom(Client& client);
  // Serves who waits, at the end of a callback: the client's users have been told all.
  void offer(Client& client);
  void onNoRoom(Client& client);
  void onClosed(Client& client);
  void onRequestEnd() { budgets_.requests.give(); }

 private:
  friend class PoolWaiter;
  void enqueue(PoolWaiter& waiter);
  void dequeue(PoolWaiter& waiter);
  Client* choose(bool fresh) const;
  bool startConnection();
  void makeConnections();
  bool enoughUnderWay() const;
  Client& makeClient(Connecting& connecting);
  void serve(Client& client, PoolWaiter& waiter);
  void forget(Connecting& connecting);
  void countEnd(net::SteadyTime began);
  void failWaiters(const Failure& failure);
  void tellIfEmpty();

  net::Loop& loop_;
  PoolOwner& owner_;
  const Cluster* cluster_;
  const Limits* limits_;
  const Priority priority_;
  Budgets& budgets_;
  EndpointPtr endpoint_;
  EndpointMetadataPtr metadata_;
  const HttpVersion version_;
  const std::string server_name_;
  ClientList open_;  // with room
  ClientList full_;
  Connecting* connecting_ = nullptr;
  PoolWaiter* first_ = nullptr;
  PoolWaiter* last_ = nullptr;
  uint32_t waiting_ = 0;
  uint32_t under_way_ = 0;      // connecting
  uint32_t connections_ = 0;    // those, too
  uint32_t expected_room_ = 1;  // of a connection that is under way
  bool draining_ = false;
};

}  // namespace weir::cluster
