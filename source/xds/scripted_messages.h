// What the tests of the protocol say and hear: requests, responses with resources in them, and a
// watcher that writes down what it is told.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/xds/watch.h"

namespace weir::xds {

using Strings = std::vector<std::string>;
using DeltaRequest = envoy::service::discovery::v3::DeltaDiscoveryRequest;
using DeltaResponse = envoy::service::discovery::v3::DeltaDiscoveryResponse;
using SotwRequest = envoy::service::discovery::v3::DiscoveryRequest;
using SotwResponse = envoy::service::discovery::v3::DiscoveryResponse;

// Refuses the names in `bad`; says what it was told as "+a@1", "-b", "timeout".
class Probe final : public Watcher {
 public:
  void onUpdate(const Update& update, std::vector<Refusal>& refusals) override {
    for (const ResourcePtr& resource : update.resources) {
      told.push_back("+" + resource->name + "@" + resource->version);
      if (bad.contains(resource->name)) refusals.push_back({resource->name, "it is bad"});
    }
    for (const std::string& name : update.removed) told.push_back("-" + name);
    if (update.resources.empty() && update.removed.empty()) told.push_back("nothing");
  }
  void onFetchTimeout() override { told.push_back("timeout"); }
  // What was told since this was asked last.
  std::vector<std::string> take() { return std::exchange(told, {}); }

  std::vector<std::string> told;
  std::set<std::string> bad;
};

inline Strings names(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return {names.begin(), names.end()};
}
inline google::protobuf::Any cluster(const std::string& name, const std::string& alt = {}) {
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name(name);
  cluster.set_alt_stat_name(alt);
  google::protobuf::Any any;
  any.PackFrom(cluster);
  return any;
}
inline google::protobuf::Any endpoints(const std::string& name, uint32_t priority = 0) {
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(name);
  assignment.add_endpoints()->set_priority(priority);
  google::protobuf::Any any;
  any.PackFrom(assignment);
  return any;
}
inline SotwResponse sotw(ResourceType type, const std::string& version, const std::string& nonce,
                         std::vector<google::protobuf::Any> resources) {
  SotwResponse response;
  response.set_type_url(std::string(factsOf(type).url));
  response.set_version_info(version);
  response.set_nonce(nonce);
  for (auto& resource : resources) *response.add_resources() = std::move(resource);
  return response;
}
inline DeltaResponse delta(ResourceType type, const std::string& nonce, const Strings& add,
                           const Strings& remove = {}, const std::string& version = "1") {
  DeltaResponse response;
  response.set_type_url(std::string(factsOf(type).url));
  response.set_nonce(nonce);
  for (const std::string& name : add) {
    auto& resource = *response.add_resources();
    resource.set_name(name);
    resource.set_version(version);
    *resource.mutable_resource() = type == ResourceType::Endpoints
                                       ? endpoints(name, static_cast<uint32_t>(version.size()))
                                       : cluster(name, version);
    // Of any type the name is what counts here.
    resource.mutable_resource()->set_type_url(std::string(factsOf(type).url));
  }
  for (const std::string& name : remove) response.add_removed_resources(name);
  return response;
}

}  // namespace weir::xds
