// A Forward carries one request to an endpoint and its response back: it chooses the endpoint,
// waits for a connection, sends, and tries once more where that is safe. Lives in its exchange,
// which writes the request into it and gets the response from it. Worker thread only.
//
// Order: start body* (trailers)?; nothing after cancel() or onForwardFailure().
#pragma once

#include <string>
#include <string_view>

#include "source/cluster/pool/http1_pool.h"
#include "source/cluster/worker_cluster.h"
#include "source/codec/stream.h"
#include "weir/stream_info.h"

namespace weir::router {

// Why no (complete) response came, in the words of the local reply it may become.
struct ForwardFailure {
  Failure failure;
  ResponseFlag flag = ResponseFlag::UpstreamConnectionFailure;
  uint16_t status = 503;
  std::string_view details;  // "upstream_reset_before_response_started{connection_failure}"
  std::string_view body;
  bool overloaded = false;  // a circuit breaker refused: x-envoy-overloaded
};

class ForwardUser {
 public:
  virtual void onForwardInterim(ResponseHead& head) = 0;
  virtual void onForwardHead(ResponseHead& head, bool end) = 0;
  virtual void onForwardBody(std::string_view data, bool end) = 0;
  virtual void onForwardTrailers(Fields& trailers) = 0;
  virtual void onForwardFailure(const ForwardFailure& failure) = 0;
  // The request's source may go on.
  virtual void onForwardWritable() = 0;
  // An endpoint is chosen and the head about to be sent: the last moment to change it. `host_name`
  // is the endpoint's, empty when it has none.
  virtual void onForwardEndpoint(std::string_view host_name) = 0;
  // The outcome of one attempt, exactly once: a response's head, or why there is none. A response
  // that breaks off is told a second time, with its status and its failure.
  virtual void onForwardAttempt(const Attempt& attempt) = 0;
  virtual Arena& forwardArena() = 0;

 protected:
  ~ForwardUser() = default;
};

class Forward final : public codec::ClientStreamUser, public cluster::PoolWaiter {
 public:
  Forward(ForwardUser& user, StreamInfo& info) : user_(user), info_(info) {}
  ~Forward() { cancel(); }

  void start(cluster::WorkerCluster& cluster, net::Loop& loop, const RequestHead& head, bool end,
             uint64_t random);
  void body(std::string_view data, bool end);
  void trailers(const Fields& trailers);
  // `why` is the outcome of an attempt that has none yet.
  void cancel(const Failure& why = {});
  bool active() const { return cluster_ != nullptr; }
  // True: what is written is being held; pause the source until onForwardWritable().
  bool congested() const;

  void pauseResponse();
  void resumeResponse();
  // The whole-response timeout passed: counted for the cluster and the endpoint, and the outcome of
  // the attempt. cancel() follows.
  void countTimeout();

 private:
  void tryEndpoint();
  void nameEndpoint();
  void sendHeld();
  bool mayRetry(const Failure& failure) const;
  void finish();
  void report(const Failure& failure, bool overflow);
  void tell(const Failure& failure, uint16_t status, bool will_retry);

  // cluster::PoolWaiter
  void onPoolReady(cluster::Http1Client& client) override;
  void onPoolFailure(const Failure& failure, bool overflow) override;

  // codec::ClientStreamUser
  Arena& responseArena() override { return user_.forwardArena(); }
  void onUpstreamInterim(ResponseHead& head) override;
  void onUpstreamHead(ResponseHead& head, bool end) override;
  void onUpstreamBody(std::string_view data, bool end) override;
  void onUpstreamTrailers(Fields& trailers) override;
  void onUpstreamFailure(const Failure& failure) override;
  void onUpstreamWritable() override { user_.onForwardWritable(); }

  ForwardUser& user_;
  StreamInfo& info_;
  net::Loop* loop_ = nullptr;
  cluster::WorkerCluster* cluster_ = nullptr;
  const cluster::Endpoint* endpoint_ = nullptr;
  const RequestHead* head_ = nullptr;
  codec::ClientStream* stream_ = nullptr;
  const Fields* trailers_ = nullptr;
  std::string held_;  // body that came before the connection
  bool held_end_ = false;
  bool headers_only_ = false;
  bool request_sent_ = false;  // completely
  bool response_started_ = false;
  bool response_paused_ = false;
  bool counted_ = false;    // upstream_rq_active
  bool undecided_ = false;  // an attempt whose outcome was not told
  uint64_t random_ = 0;
  uint32_t retries_ = 0;
  uint16_t status_ = 0;
  net::SteadyTime tried_at_{}, sent_at_{};
};

}  // namespace weir::router
