// The parts a ClusterPlan is read in; each reports what is wrong in its fields. Only for
// cluster_plan.cc and the files that define these.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "source/cluster/cluster_plan.h"
#include "weir/report.h"

namespace weir::cluster {

using ClusterProto = envoy::config::cluster::v3::Cluster;
using DnsClusterProto = envoy::extensions::clusters::dns::v3::DnsCluster;
using ConsulClusterProto = weir::consul::v1::ConsulCluster;

// Reports fields that are set and not acted upon. `what` reads before "is not supported".
class Unsupported {
 public:
  explicit Unsupported(const Where& at) : at_(at) {}
  // Would change where traffic goes or how it is protected.
  void refuse(bool set, std::string_view field, std::string_view what) const;
  void ignore(bool set, std::string_view field, std::string_view what) const;

 private:
  const Where& at_;
};

std::string anyTypeName(const google::protobuf::Any& any);
// False, and reported, when `any` holds something else.
bool unpackPlain(const google::protobuf::Any& any, google::protobuf::Message& into,
                 const Where& at);

// Rounded up to a millisecond; nothing, and reported, when it is malformed or less than `least`.
std::optional<std::chrono::milliseconds> readDuration(const google::protobuf::Duration& proto,
                                                      std::chrono::milliseconds least,
                                                      const Where& at);

struct Balancing {
  LbPolicy policy = LbPolicy::RoundRobin;
  uint32_t choice_count = 2;
  bool locality_weighted = false;
  uint32_t panic_threshold = 50;
  bool fail_traffic_on_panic = false;
  std::shared_ptr<const SubsetSettings> subsets = nullptr;  // null: none
};

// Null: endpoints are not divided, or what is wrong is reported.
std::shared_ptr<const SubsetSettings> planSubsets(const ClusterProto::LbSubsetConfig& proto,
                                                  const Where& at);
Balancing planBalancing(const ClusterProto& proto, const Where& at);
void planTransport(const ClusterProto& proto, ClusterSettings& settings, const ClusterBuild& build,
                   const Where& at);
void planHttp(const ClusterProto& proto, ClusterSettings& settings, const Where& at);
// `dns_cluster` is null for the types STRICT_DNS and LOGICAL_DNS.
DnsSpec planDns(const ClusterProto& proto, const DnsClusterProto* dns_cluster, const Where& at,
                const Where& dns_cluster_at);
// Of a cluster whose endpoints come from elsewhere, and stand in no load_assignment.
PriorityRules planRules(const ClusterProto& proto, const Where& at);
EdsSpec planEds(const ClusterProto& proto, const Where& at);
Assignment planEndpoints(const ClusterProto& proto, Discovery discovery, bool locality_weighted,
                         const Where& at);

}  // namespace weir::cluster
