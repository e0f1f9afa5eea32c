// Retries decides for one request whether an attempt that failed, or was answered badly, is
// followed by another one, and after what pause. Made when the route's policy or the request's own
// fields ask for retries. From a Yes until the next decision or the end it holds a share of what
// the cluster allows of retries at one time. Worker thread only; no clock, no randomness of its
// own.
//
//   (afterHead | afterFailure)*, after a Yes pause()
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "source/cluster/cluster.h"
#include "source/router/retry_policy.h"
#include "source/router/steering.h"
#include "weir/head.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir::router {

class Retries {
 public:
  // LimitExceeded: no retry is left (URX). Overflow: the cluster allows no more now (UO).
  enum class Answer : uint8_t { No, Yes, LimitExceeded, Overflow };

  // All but `head` outlive it.
  Retries(const RetryPolicy& policy, const Steering& steering, const RequestHead& head,
          const cluster::Cluster& cluster, cluster::Priority priority);
  ~Retries() { release(); }
  Retries(const Retries&) = delete;
  Retries& operator=(const Retries&) = delete;

  bool wanted() const { return on_ != 0; }
  // False: there is no other attempt, and nothing needs to be kept for one.
  bool possible() const { return on_ != 0 && left_ != 0; }
  void forbid() { on_ = 0; }
  void release();

  // `now` is for a reset header that tells a time.
  Answer afterHead(const ResponseHead& head, WallTime now);
  // `began`: bytes of the request were sent.
  Answer afterFailure(const Failure& failure, bool began);
  // Random, within bounds that double each time; longer than what a rate limit asked for.
  std::chrono::milliseconds pause(uint64_t random);

 private:
  bool wants(const ResponseHead& head) const;
  bool wants(const Failure& failure, bool began) const;
  void readReset(const ResponseHead& head, WallTime now);
  Answer decide();

  const RetryPolicy& policy_;
  const Steering& steering_;
  const cluster::Cluster& cluster_;
  const cluster::Priority priority_;
  uint32_t on_;
  uint32_t left_;
  uint32_t made_ = 0;
  bool holds_ = false;
  std::optional<std::chrono::milliseconds> reset_;  // of the response just seen
};

}  // namespace weir::router
