// Tries is what a request may have beyond a single attempt without a limit of its own: retries, a
// time limit for each attempt, a preference for endpoints that were not tried. Made only where
// route or request ask for such, so that others pay nothing. Owned by the Forward; worker thread
// only.
//
//   (noteEndpoint (onRequestSent | onActivity)* (pause | end of the attempt))* stop
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "source/net/loop.h"
#include "source/router/retries.h"

namespace weir::router {

class Forward;

class Tries final : public net::TimerUser {
 public:
  // `policy` null: the request's own fields alone. A limit for each attempt that is not below
  // `timeout`, the one for all of them, is none. `body_limit` in bytes, 0: none.
  Tries(const RetryPolicy* policy, Steering steering, const RequestHead& head,
        const cluster::Cluster& cluster, cluster::Priority priority,
        std::chrono::milliseconds timeout, uint64_t body_limit);

  // False: it does nothing that a request without it does not.
  bool needed() const { return retries_.wanted() || per_try_.count() != 0 || idle_.count() != 0; }
  Retries& retries() { return retries_; }
  bool mayRetry() const { return retries_.possible(); }
  std::chrono::milliseconds perTryTimeout() const { return per_try_; }
  bool fits(size_t body_bytes) const { return body_limit_ == 0 || body_bytes <= body_limit_; }

  void attach(Forward& forward, net::Loop& loop) { forward_ = &forward, loop_ = &loop; }
  // Where another endpoint should be chosen; noteEndpoint() is told of the one that is.
  bool avoids(const cluster::Endpoint& endpoint, int64_t asked) const;
  void noteEndpoint(const cluster::Endpoint& endpoint);

  // An attempt's clocks start when all of the request was sent.
  void onRequestSent();
  void onActivity() { last_activity_ = loop_->now(); }
  void onHead() { onActivity(), answered_ = true; }
  // Until Forward::onPauseOver().
  void pause(uint64_t random);
  // No clock runs any more.
  void endAttempt();
  void stop();

 private:
  void onTimer() override;
  void arm();

  const Steering steering_;
  const RetryPolicy& policy_;
  Retries retries_;
  net::Timer timer_;
  Forward* forward_ = nullptr;
  net::Loop* loop_ = nullptr;
  std::chrono::milliseconds per_try_;  // 0: none
  std::chrono::milliseconds idle_;     // 0: none
  uint64_t body_limit_;
  std::vector<const cluster::Endpoint*> tried_;  // compared, never looked into
  SteadyTime began_{}, last_activity_{};
  bool pausing_ = false;
  bool answered_ = false;
};

}  // namespace weir::router
