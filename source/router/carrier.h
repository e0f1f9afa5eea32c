// A Carrier makes one attempt to get a request answered: it takes an endpoint of the cluster, waits
// for a connection, carries the request there and the response back to its Forward, and counts what
// it did. One object serves a request's attempts one after the other. Owned by the Forward; worker
// thread only.
//
//   (start (send* | …) (end of the response | failure | cancel))*
#pragma once

#include <string_view>

#include "source/cluster/pool/pool.h"
#include "source/cluster/pool/tcp_stream.h"
#include "source/cluster/worker_cluster.h"
#include "source/codec/stream.h"
#include "weir/stream_info.h"

namespace weir::router {

class Forward;

// A stream that its Carrier gave away: a tunnel's. over() is what is owed for it in the end.
struct HandedStream {
  codec::ClientStream* stream;
  cluster::ClusterPtr cluster;
  const cluster::Endpoint* endpoint;  // the stream's, which is there until over()

  const cluster::ClusterStats& stats() const { return cluster->stats(); }
  void over() const;
};

class Carrier final : public codec::ClientStreamUser, public cluster::PoolWaiter {
 public:
  Carrier(Forward& forward, StreamInfo& info) : forward_(forward), info_(info) {}

  // `fresh`: not on a connection that has been idle. Ends in Forward::onReady() or a failure.
  void start(cluster::WorkerCluster& cluster, cluster::Pool& pool, bool fresh);
  // The same for a CONNECT that ends here: bare TCP, no connection of the pool.
  void startTcp(cluster::WorkerCluster& cluster, cluster::Pool& pool, cluster::Priority priority,
                net::Loop& loop);
  void sendHead(const RequestHead& head, bool end);
  void sendBody(std::string_view data, bool end);
  void sendTrailers(const Fields& trailers);
  // Nothing more is told; what was begun is given up.
  void cancel();

  // On a connection, until the response has ended.
  bool connected() const { return stream_ != nullptr; }
  bool congested() const { return stream_->congested(); }
  bool requestBegun() const { return begun_; }
  // Begun, and its outcome() was not asked for.
  bool undecided() const { return undecided_; }
  bool responseStarted() const { return response_started_; }
  const cluster::Endpoint* endpoint() const { return endpoint_; }
  void pauseResponse();
  void resumeResponse();
  // Of a tunnel. The Carrier has nothing any more.
  HandedStream handOver(codec::ClientStreamUser& user, ByteMeter& bytes);
  // What is told of the attempt at this moment. `failure` none: a response came.
  Attempt outcome(const Failure& failure, bool will_retry);
  // For the endpoint's counts: it took longer than it may, or failed.
  void countTimeout();
  void countError();

 private:
  void begin(cluster::WorkerCluster& cluster, cluster::Pool& pool);
  void nameEndpoint(const cluster::Pool& pool);
  void countRequest();
  void finish();
  void endResponse();
  void noteSent(bool end);

  // cluster::PoolWaiter
  void onPoolReady(cluster::Client& client) override;
  void onPoolFailure(const Failure& failure, bool overflow) override;

  // codec::ClientStreamUser
  Arena& responseArena() override;
  void onUpstreamInterim(ResponseHead& head) override;
  void onUpstreamHead(ResponseHead& head, bool end) override;
  void onUpstreamBody(std::string_view data, bool end) override;
  void onUpstreamTrailers(Fields& trailers) override;
  void onUpstreamFailure(const Failure& failure) override;
  void onUpstreamWritable() override;

  Forward& forward_;
  StreamInfo& info_;
  cluster::WorkerCluster* cluster_ = nullptr;
  cluster::EndpointMetadataPtr metadata_;        // of the last endpoint, until the log has it
  const cluster::Endpoint* endpoint_ = nullptr;  // the pool's; null: no attempt, or it is whole
  codec::ClientStream* stream_ = nullptr;
  bool begun_ = false;
  bool response_started_ = false;
  bool response_paused_ = false;
  bool counted_ = false;  // upstream_rq_active
  bool undecided_ = false;
  bool tunnel_ = false;  // the response's end is not the stream's
  uint16_t status_ = 0;
  SteadyTime tried_at_{}, sent_at_{};
};

}  // namespace weir::router
