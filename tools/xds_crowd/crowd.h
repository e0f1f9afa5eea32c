// A Crowd is very many clusters that are alike, each with the same number of endpoints. The hosts
// are 127.0.0.1, 127.0.0.2, …: one more than a cluster has endpoints, so that a cluster always
// lacks one, and moving it takes that one in and another one out. One thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"

namespace weir::xds_crowd {

inline constexpr char kClusterUrl[] = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
inline constexpr char kEndpointsUrl[] =
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

class Crowd {
 public:
  using Resource = envoy::service::discovery::v3::Resource;

  Crowd(size_t clusters, uint32_t endpoints, uint32_t port)
      : endpoints_(endpoints), port_(port), moves_(clusters) {}

  size_t size() const { return moves_.size(); }
  static std::string nameOf(size_t number) { return "c" + std::to_string(number); }
  // Nothing: there is no such cluster.
  std::optional<size_t> numberOf(std::string_view name) const;
  void move(size_t number) { ++moves_[number]; }

  void fillCluster(size_t number, Resource& resource) const;
  void fillEndpoints(size_t number, Resource& resource) const;

 private:
  const uint32_t endpoints_, port_;
  std::vector<uint32_t> moves_;  // by cluster
};

}  // namespace weir::xds_crowd
