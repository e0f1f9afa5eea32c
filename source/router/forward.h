// A Forward gets one request answered by a cluster: it sends it in one attempt, and where that
// fails and a retry is asked for, or is safe anyway, in another one. Lives in its exchange, which
// writes the request into it and gets the response from it. It keeps the cluster in being as long
// as it lives, since StreamInfo has views of it until the access log is written. Worker thread
// only.
//
// Order: start body* (trailers)?; nothing after cancel() or onForwardFailure().
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/router/carrier.h"
#include "source/router/forward_failure.h"
#include "source/router/tries.h"

namespace weir::router {

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

class Forward final {
 public:
  Forward(ForwardUser& user, StreamInfo& info) : user_(user), info_(info), carrier_(*this, info) {}
  ~Forward() { cancel(); }

  // `tries` null: neither route nor request ask for more than one attempt.
  void start(cluster::WorkerCluster& cluster, net::Loop& loop, const RequestHead& head, bool end,
             uint64_t random, cluster::Priority priority = cluster::Priority::Default,
             std::unique_ptr<Tries> tries = nullptr);
  // Before start(): what the route wants of the endpoint's metadata, which outlives this.
  void want(const cluster::Criteria* wanted) { wanted_ = wanted; }
  // Before start(), of a CONNECT that ends here: its tunnel goes to the endpoint as bare TCP.
  void endConnect() { ends_connect_ = true; }
  void body(std::string_view data, bool end);
  void trailers(const Fields& trailers);
  // `why` is the outcome of an attempt that has none yet.
  void cancel(const Failure& why = {});
  bool active() const { return cluster_ != nullptr; }
  // The response opened a tunnel: it goes on without the Forward, which is done as by cancel().
  HandedStream handOver(codec::ClientStreamUser& user, ByteMeter& bytes);
  // True: what is written is being held; pause the source until onForwardWritable().
  bool congested() const;

  void pauseResponse() { carrier_.pauseResponse(); }
  void resumeResponse() { carrier_.resumeResponse(); }
  // The whole-response timeout passed: counted for the cluster and the endpoint, and the outcome of
  // the attempt. cancel() follows.
  void countTimeout();

  // From Carrier.
  Arena& arena() { return user_.forwardArena(); }
  SteadyTime now() const { return loop_->now(); }
  void onReady();
  // True: the answer is dropped, and retry() follows.
  bool takesAnother(const ResponseHead& head) {
    return tries_ != nullptr && !opensTunnel(head) && askTries(head);
  }
  bool opensTunnel(const ResponseHead& head) const { return codec::opensTunnel(*head_, head); }
  void retry();
  void onInterim(ResponseHead& head) { user_.onForwardInterim(head); }
  void onHead(ResponseHead& head, bool end);
  void onBody(std::string_view data, bool end);
  void onTrailers(Fields& trailers);
  void onFailure(const Failure& failure, bool overflow);
  void onWritable() { user_.onForwardWritable(); }

  // From Tries.
  void onPauseOver() { tryEndpoint(); }
  void onTryTimeout(bool idle);

 private:
  cluster::Pool* chooseEndpoint();
  void tryEndpoint();
  void sendHeld();
  bool askTries(const ResponseHead& head);
  bool isSafeToRepeat(const Failure& failure) const;
  bool keepsBody() const { return tries_ != nullptr && tries_->mayRetry(); }
  void noteBody(std::string_view data);
  void drawAgain();
  bool asksForAnother(const Failure& failure);
  void noteAnswer(Retries::Answer answer);
  void tell(const Failure& failure, bool will_retry);
  void report(ForwardFailure failure);

  ForwardUser& user_;
  StreamInfo& info_;
  cluster::ClusterUse use_;  // gone after all that looks into the cluster
  Carrier carrier_;
  net::Loop* loop_ = nullptr;
  cluster::WorkerCluster* cluster_ = nullptr;
  const RequestHead* head_ = nullptr;
  const Fields* trailers_ = nullptr;
  std::unique_ptr<Tries> tries_;
  std::string held_;  // body that came before the connection, or may be sent again
  bool held_end_ = false;
  bool headers_only_ = false;
  bool repeated_ = false;  // without being asked to
  bool fresh_ = false;     // not on a connection that was idle
  bool ends_connect_ = false;
  cluster::Priority priority_ = cluster::Priority::Default;
  uint64_t random_ = 0;
  const cluster::Criteria* wanted_ = nullptr;
  std::string_view server_name_;  // of the cluster's RequestNames
};

}  // namespace weir::router
