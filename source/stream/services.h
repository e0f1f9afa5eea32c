// Services is what one worker offers its streams. Made by the worker, outlives its connections.
#pragma once

#include <cstdint>

#include "source/cluster/worker_cluster.h"
#include "source/net/loop.h"
#include "source/overload/actions.h"
#include "source/stream/date_text.h"
#include "source/telemetry/decision_ring.h"
#include "weir/arena.h"

namespace weir::stream {

// xoshiro256++, seeded once a worker: for load balancing, ids and percentages, not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t next() {
    const auto turn = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const uint64_t result = turn(s_[0] + s_[3], 23) + s_[0];
    const uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = turn(s_[3], 45);
    return result;
  }

 private:
  uint64_t s_[4];
};

struct Services {
  Services(net::Loop& loop, cluster::WorkerClusters& clusters, uint64_t seed)
      : loop(loop), clusters(clusters), random(seed) {}

  net::Loop& loop;
  cluster::WorkerClusters& clusters;
  ChunkPool chunks;
  DateText date;
  telemetry::DecisionRing decisions;
  Random random;
  uint64_t next_stream_id = 0;
  bool health_check_failed = false;  // POST /healthcheck/fail

  // What the overload manager has decided last; shedding.h and the listeners act on it.
  overload::Actions overload;
  // Connections end with a response: all when draining, else the share that `overload` says.
  overload::Share ending = overload::kNone;

  void drain() {
    draining_ = true;
    ending = overload::kAll;
  }
  bool draining() const { return draining_; }
  void setOverload(const overload::Actions& actions) {
    overload = actions;
    if (!draining_) ending = actions.end_connections;
  }

 private:
  bool draining_ = false;
};

}  // namespace weir::stream
