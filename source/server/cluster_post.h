// A ClusterPost collects what changes of clusters in a turn of the main thread, and sends it to
// every worker in one piece at the turn's end: a control plane may change thousands at once, and
// each piece wakes every worker. Lives in the Server; main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/cluster/endpoint.h"
#include "source/net/loop.h"

namespace weir::server {

// Without endpoints: the cluster, or none, is put into the slot. With: it has them already.
struct ClusterChange {
  uint32_t slot = cluster::kNoSlot;
  cluster::ClusterPtr cluster;
  cluster::EndpointSetPtr endpoints;
};

// In the order in which they were made; shared by all workers.
using ClusterChanges = std::shared_ptr<const std::vector<ClusterChange>>;

class ClusterPost final : private net::TurnEnd {
 public:
  ClusterPost(net::Loop& loop, std::function<void(const ClusterChanges&)> send)
      : loop_(loop), send_(std::move(send)) {}
  ClusterPost(const ClusterPost&) = delete;
  ~ClusterPost() { loop_.cancelTurnEnd(*this); }

  void add(ClusterChange change) {
    open_.push_back(std::move(change));
    loop_.atTurnEnd(*this);
  }
  // Before anything else is sent that may need it.
  void flush() {
    loop_.cancelTurnEnd(*this);
    if (open_.empty()) return;
    send_(std::make_shared<const std::vector<ClusterChange>>(std::exchange(open_, {})));
  }

 private:
  void onTurnEnd() override { flush(); }

  net::Loop& loop_;
  const std::function<void(const ClusterChanges&)> send_;
  std::vector<ClusterChange> open_;
};

}  // namespace weir::server
