#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "envoy/extensions/load_balancing_policies/subset/v3/subset.pb.h"
#include "envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.pb.h"
#include "source/cluster/plan_parts.h"

namespace weir::cluster {
namespace {

namespace policies = envoy::extensions::load_balancing_policies;
using envoy::config::cluster::v3::LoadBalancingPolicy;

constexpr std::string_view kFamily = "envoy.extensions.load_balancing_policies.";
constexpr uint32_t kMinChoices = 2;

void readChoices(const google::protobuf::UInt32Value& proto, bool set, Balancing& balancing,
                 const Where& at) {
  if (!set) return;
  if (proto.value() < kMinChoices) at.field("choice_count").error("expected at least 2");
  balancing.choice_count = proto.value();
}

// 1.0 is what every least-request balancer does; another bias weighs active requests differently.
void refuseBias(const envoy::config::core::v3::RuntimeDouble& bias, bool set, const Where& at) {
  if (set && bias.default_value() != 1.0) {
    at.field("active_request_bias").error("a bias other than 1 is not supported yet");
  }
}

// Of what is said about zones only the panic is obeyed, which has nothing to do with them.
template <typename ZoneAware>
void readZoneAware(ZoneAware proto, Balancing& balancing, const Where& at) {
  balancing.fail_traffic_on_panic = proto.fail_traffic_on_panic();
  proto.clear_fail_traffic_on_panic();
  Unsupported(at).ignore(proto.ByteSizeLong() != 0, "zone_aware_lb_config",
                         "preferring the own zone");
}

template <typename Policy>
void readLocality(const Policy& proto, Balancing& balancing, const Where& at) {
  const Where here = at.field("locality_lb_config");
  balancing.locality_weighted = proto.locality_lb_config().has_locality_weighted_lb_config();
  readZoneAware(proto.locality_lb_config().zone_aware_lb_config(), balancing, here);
}

void readLeastRequest(const policies::least_request::v3::LeastRequest& proto, Balancing& balancing,
                      const Where& at) {
  using LeastRequest = policies::least_request::v3::LeastRequest;
  const Unsupported unsupported(at);
  readChoices(proto.choice_count(), proto.has_choice_count(), balancing, at);
  refuseBias(proto.active_request_bias(), proto.has_active_request_bias(), at);
  unsupported.refuse(proto.has_slow_start_config(), "slow_start_config", "slow start");
  unsupported.refuse(proto.enable_full_scan().value(), "enable_full_scan",
                     "scanning all endpoints");
  unsupported.refuse(proto.selection_method() != LeastRequest::N_CHOICES, "selection_method",
                     "scanning all endpoints");
  readLocality(proto, balancing, at);
}

bool readPolicies(const LoadBalancingPolicy& proto, Balancing& balancing, const Where& at);

// The fields are those of lb_subset_config, but for two.
void readSubset(const policies::subset::v3::Subset& proto, Balancing& balancing, const Where& at) {
  Unsupported(at).refuse(proto.allow_redundant_keys(), "allow_redundant_keys",
                         "passing over keys that no selector has");
  readPolicies(proto.subset_lb_policy(), balancing, at.field("subset_lb_policy"));
  if (balancing.subsets != nullptr) {
    return at.field("subset_lb_policy").error("subsets are not divided into subsets");
  }
  policies::subset::v3::Subset same = proto;
  same.clear_allow_redundant_keys();
  same.clear_subset_lb_policy();
  ClusterProto::LbSubsetConfig config;
  if (config.ParseFromString(same.SerializeAsString())) {
    balancing.subsets = planSubsets(config, at);
  }
}

// Reads one policy if Weir has it.
bool readPolicy(const google::protobuf::Any& any, Balancing& balancing, const Where& at) {
  const std::string type = anyTypeName(any);
  const auto is = [&type](std::string_view name) {
    return type.starts_with(kFamily) && std::string_view(type).substr(kFamily.size()) == name;
  };
  if (is("round_robin.v3.RoundRobin")) {
    policies::round_robin::v3::RoundRobin proto;
    balancing.policy = LbPolicy::RoundRobin;
    if (!unpackPlain(any, proto, at)) return true;
    Unsupported(at).refuse(proto.has_slow_start_config(), "slow_start_config", "slow start");
    readLocality(proto, balancing, at);
    return true;
  }
  if (is("random.v3.Random")) {
    policies::random::v3::Random proto;
    balancing.policy = LbPolicy::Random;
    if (unpackPlain(any, proto, at)) readLocality(proto, balancing, at);
    return true;
  }
  if (is("least_request.v3.LeastRequest")) {
    policies::least_request::v3::LeastRequest proto;
    balancing.policy = LbPolicy::LeastRequest;
    if (unpackPlain(any, proto, at)) readLeastRequest(proto, balancing, at);
    return true;
  }
  if (is("subset.v3.Subset")) {
    policies::subset::v3::Subset proto;
    if (unpackPlain(any, proto, at)) readSubset(proto, balancing, at);
    return true;
  }
  if (is("wrr_locality.v3.WrrLocality")) {
    policies::wrr_locality::v3::WrrLocality proto;
    if (!unpackPlain(any, proto, at)) return true;
    readPolicies(proto.endpoint_picking_policy(), balancing, at.field("endpoint_picking_policy"));
    balancing.locality_weighted = true;
    return true;
  }
  return false;
}

// The first policy that Weir has is used, whatever stands before it: that is what the list is for.
bool readPolicies(const LoadBalancingPolicy& proto, Balancing& balancing, const Where& at) {
  std::string skipped;
  for (int i = 0; i < proto.policies_size(); ++i) {
    const auto& config = proto.policies(i).typed_extension_config();
    const Where here = at.field("policies").index(static_cast<size_t>(i));
    const Where inner = here.field("typed_extension_config").field("typed_config");
    const std::string type = anyTypeName(config.typed_config());
    if (readPolicy(config.typed_config(), balancing, inner)) {
      if (!skipped.empty()) at.warning("passed over, as Weir has no such policy: " + skipped);
      return true;
    }
    skipped += (skipped.empty() ? "" : ", ") + (type.empty() ? config.name() : type);
  }
  at.error("expected one of RoundRobin, Random, LeastRequest, WrrLocality, Subset; found " +
           (skipped.empty() ? "nothing" : skipped));
  return false;
}

void readOldPolicy(const ClusterProto& proto, Balancing& balancing, const Where& at) {
  const Where here = at.field("lb_policy");
  switch (proto.lb_policy()) {
    case ClusterProto::ROUND_ROBIN:
      balancing.policy = LbPolicy::RoundRobin;
      break;
    case ClusterProto::RANDOM:
      balancing.policy = LbPolicy::Random;
      break;
    case ClusterProto::LEAST_REQUEST:
      balancing.policy = LbPolicy::LeastRequest;
      break;
    case ClusterProto::LOAD_BALANCING_POLICY_CONFIG:
      here.error("LOAD_BALANCING_POLICY_CONFIG needs load_balancing_policy, which is not set");
      break;
    case ClusterProto::CLUSTER_PROVIDED:
      here.error("CLUSTER_PROVIDED is for cluster types that balance by themselves; this does not");
      break;
    case ClusterProto::RING_HASH:
    case ClusterProto::MAGLEV:
      here.error(ClusterProto::LbPolicy_Name(proto.lb_policy()) +
                 " is not supported yet, only ROUND_ROBIN, RANDOM and LEAST_REQUEST");
      break;
    default:
      here.error("not a load balancing policy: " + std::to_string(proto.lb_policy()));
  }
}

void readOldSettings(const ClusterProto& proto, Balancing& balancing, const Where& at) {
  if (proto.has_least_request_lb_config()) {
    const Where here = at.field("least_request_lb_config");
    const auto& config = proto.least_request_lb_config();
    readChoices(config.choice_count(), config.has_choice_count(), balancing, here);
    refuseBias(config.active_request_bias(), config.has_active_request_bias(), here);
    Unsupported(here).refuse(config.has_slow_start_config(), "slow_start_config", "slow start");
  }
  if (proto.has_round_robin_lb_config()) {
    Unsupported(at.field("round_robin_lb_config"))
        .refuse(proto.round_robin_lb_config().has_slow_start_config(), "slow_start_config",
                "slow start");
  }
  const Where here = at.field("common_lb_config");
  const auto& common = proto.common_lb_config();
  balancing.locality_weighted = common.has_locality_weighted_lb_config();
  readZoneAware(common.zone_aware_lb_config(), balancing, here);
}

// Whole percents, as in Envoy.
void readPanicThreshold(const envoy::type::v3::Percent& proto, Balancing& balancing,
                        const Where& at) {
  if (!(proto.value() >= 0 && proto.value() <= 100)) {
    return at.field("healthy_panic_threshold").error("expected a percentage from 0 to 100");
  }
  balancing.panic_threshold = static_cast<uint32_t>(proto.value());
}

}  // namespace

Balancing planBalancing(const ClusterProto& proto, const Where& at) {
  Balancing balancing;
  if (proto.has_load_balancing_policy()) {  // wins over lb_policy
    readPolicies(proto.load_balancing_policy(), balancing, at.field("load_balancing_policy"));
    if (proto.has_lb_subset_config()) {
      at.field("lb_subset_config")
          .error("has no place beside load_balancing_policy: put a Subset policy there");
    }
  } else {
    balancing.subsets = planSubsets(proto.lb_subset_config(), at.field("lb_subset_config"));
    readOldPolicy(proto, balancing, at);
    readOldSettings(proto, balancing, at);
  }
  const Where common = at.field("common_lb_config");
  const auto& settings = proto.common_lb_config();
  const Unsupported unsupported(common);
  if (settings.has_healthy_panic_threshold()) {
    readPanicThreshold(settings.healthy_panic_threshold(), balancing, common);
  }
  unsupported.ignore(settings.ignore_new_hosts_until_first_hc(), "ignore_new_hosts_until_first_hc",
                     "waiting for the first health check");
  unsupported.ignore(settings.has_consistent_hashing_lb_config(), "consistent_hashing_lb_config",
                     "consistent hashing");
  unsupported.ignore(settings.has_override_host_status(), "override_host_status",
                     "an override host");
  unsupported.refuse(settings.close_connections_on_host_set_change(),
                     "close_connections_on_host_set_change", "closing connections on each change");
  unsupported.ignore(
      settings.has_update_merge_window() && (settings.update_merge_window().seconds() != 0 ||
                                             settings.update_merge_window().nanos() != 0),
      "update_merge_window", "merging updates");
  return balancing;
}

}  // namespace weir::cluster
