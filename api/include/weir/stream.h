// A Stream is what a filter may ask of the request it sees, and what its tasks may wait for
// (weir/async.h). Owned by the chain; every call is made on the stream's worker, from a hook or
// from a task the filter waits on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/async.h"
#include "weir/head.h"
#include "weir/stats.h"
#include "weir/stream_info.h"

namespace weir {

struct ClusterHealth {
  uint64_t endpoints = 0;
  uint64_t healthy = 0;
};

class Stream : public Async {
 public:
  virtual Arena& arena() = 0;
  virtual const StreamInfo& info() const = 0;

  virtual RequestHead& request() = 0;
  // Null until there is one.
  virtual ResponseHead* response() = 0;
  // The whole body, for filters whose Plan asked for it; else empty.
  virtual std::string_view requestBody() const = 0;
  virtual std::string_view responseBody() const = 0;

  // Facts that filters leave for each other, the access log (%DYNAMIC_METADATA(ns:key)%) and the
  // router. Copies are made in the arena.
  virtual void setMetadata(std::string_view space, std::string_view key,
                           std::string_view value) = 0;
  virtual std::string_view metadata(std::string_view space, std::string_view key) const = 0;

  // The cluster that the route sends this request to; empty when the route answers by itself, or
  // when there is no route.
  virtual std::string_view routeCluster() const = 0;
  // Nothing when there is no such cluster.
  virtual std::optional<ClusterHealth> clusterHealth(std::string_view cluster) const = 0;

  // Where the statistics of that cluster are ("cluster.<name>."); null when there is no such
  // cluster. Valid until the hook returns or waits, since clusters come and go; copies stay valid.
  virtual const StatScope* routeClusterStats() const = 0;

  // Marks the access log and the statistics; details as in LocalReply.
  virtual void setFlag(ResponseFlag) = 0;
  // POST /healthcheck/fail was called, or the server is draining.
  virtual bool healthCheckFailed() const = 0;

 protected:
  ~Stream() = default;
};

}  // namespace weir
