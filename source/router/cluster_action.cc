#include "source/router/cluster_action.h"

#include <charconv>

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;

std::optional<HeaderName> readName(const std::string& text, const FieldPath& path, Report& report) {
  auto name = HeaderName::parse(text);
  if (name) return *std::move(name);
  report.error(path, name.error().text);
  return std::nullopt;
}

uint32_t readSlot(const std::string& name, ClusterCheck check, const FieldPath& path,
                  Report& report) {
  const uint32_t slot = report.build().clusterSlot(name);
  const bool missing = check == ClusterCheck::IsThere && !report.build().isThere(name);
  if (missing || (slot == kNoCluster && check == ClusterCheck::MayCome)) {
    report.error(path, "unknown cluster '" + name + "'");
  }
  return slot;
}

std::optional<uint64_t> onlyNumber(const Fields& fields, const HeaderName& name) {
  std::optional<uint64_t> number;
  bool seen = false;
  for (const Field& field : fields) {
    if (field.name() != name.text()) continue;
    if (seen) return std::nullopt;  // several values could pick several clusters on the way
    seen = true;
    const std::string_view text = field.value();
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) number = value;
  }
  return number;
}

// `prefix`: of the runtime key of its weight; empty: it has none.
WeightedCluster readWeighted(const route::WeightedCluster::ClusterWeight& proto,
                             const std::string& prefix, const cluster::CriteriaPtr& wanted,
                             ClusterCheck check, const FieldPath& path, Report& report) {
  WeightedCluster made;
  made.name = proto.name();
  if (!prefix.empty()) made.weight = report.build().runtime(prefix + "." + made.name);
  made.host_rewrite = proto.host_rewrite_literal();
  made.headers = HeaderLevel::from(proto, path, report);
  made.config = LevelConfig(proto.typed_per_filter_config(), nullptr);
  if (made.name.empty() == proto.cluster_header().empty()) {
    report.error(path, "exactly one of name and cluster_header is expected");
  } else if (made.name.empty()) {
    made.header = readName(proto.cluster_header(), path.at("cluster_header"), report);
  } else {
    made.slot = readSlot(made.name, check, path.at("name"), report);
  }
  if (!isFieldValue(made.host_rewrite)) {
    report.error(path.at("host_rewrite_literal"), "cannot stand in a Host header");
  }
  made.wanted = cluster::criteriaOf(proto.metadata_match(), wanted);
  return made;
}

std::unique_ptr<const WeightedClusters> readAllWeighted(const route::WeightedCluster& proto,
                                                        const cluster::CriteriaPtr& wanted,
                                                        ClusterCheck check, const FieldPath& path,
                                                        Report& report) {
  auto made = std::make_unique<WeightedClusters>();
  for (int i = 0; i < proto.clusters_size(); ++i) {
    made->clusters.push_back(readWeighted(proto.clusters(i), proto.runtime_key_prefix(), wanted,
                                          check, path.at("clusters", i), report));
    made->total += proto.clusters(i).weight().value();
    made->clusters.back().end = made->total;
  }
  if (made->total == 0) {
    report.error(path.at("clusters"), "the sum of the weights must be greater than 0");
  } else if (made->total > UINT32_MAX) {
    report.error(path.at("clusters"), "the sum of the weights is above 4294967295");
  }
  if (proto.has_total_weight()) {
    report.warn(path.at("total_weight"), "is ignored: the total is the sum of the weights");
  }
  made->by_runtime = !proto.runtime_key_prefix().empty();
  if (proto.use_hash_policy().value()) report.refuse(path.at("use_hash_policy"));
  if (!proto.header_name().empty()) {
    made->random_header = readName(proto.header_name(), path.at("header_name"), report);
  }
  return made;
}

// Fields that are read by nobody yet.
void checkRest(const route::RouteAction& proto, const FieldPath& path, Report& report) {
  if (proto.has_path_rewrite_policy()) report.refuse(path.at("path_rewrite_policy"));
  if (proto.has_cors()) {
    report.error(path.at("cors"),
                 "is deprecated and not supported: put an "
                 "envoy.extensions.filters.http.cors.v3.CorsPolicy into "
                 "typed_per_filter_config");
  }
  if (proto.request_mirror_policies_size() != 0) report.notYet(path.at("request_mirror_policies"));
  if (proto.has_hedge_policy()) report.notYet(path.at("hedge_policy"));
  if (proto.has_retry_policy_typed_config()) report.notYet(path.at("retry_policy_typed_config"));
  if (proto.has_early_data_policy()) report.notYet(path.at("early_data_policy"));
  if (proto.has_internal_redirect_policy()) report.notYet(path.at("internal_redirect_policy"));
  if (proto.internal_redirect_action() != route::RouteAction::PASS_THROUGH_INTERNAL_REDIRECT) {
    report.notYet(path.at("internal_redirect_action"));
  }
  if (proto.rate_limits_size() != 0) report.notYet(path.at("rate_limits"));
  if (proto.include_vh_rate_limits().value()) report.notYet(path.at("include_vh_rate_limits"));
}

}  // namespace

const WeightedCluster& WeightedClusters::pick(const RequestHead& head, uint64_t random) const {
  if (random_header) random = onlyNumber(head.fields, *random_header).value_or(random);
  if (by_runtime) return pickByRuntime(random);
  const uint64_t selected = random % total;
  for (const WeightedCluster& cluster : clusters) {
    if (selected < cluster.end) return cluster;
  }
  return clusters.back();
}

uint64_t WeightedClusters::weightOf(size_t cluster) const {
  const uint64_t configured =
      clusters[cluster].end - (cluster == 0 ? 0 : clusters[cluster - 1].end);
  return std::min<uint64_t>(clusters[cluster].weight.number().value_or(configured), UINT32_MAX);
}

// Weights that change between the two rounds only shift this one choice. Where all are 0 there is
// nothing to choose by: the first takes it.
const WeightedCluster& WeightedClusters::pickByRuntime(uint64_t random) const {
  uint64_t sum = 0;
  for (size_t i = 0; i < clusters.size(); ++i) sum += weightOf(i);
  uint64_t left = sum == 0 ? 0 : random % sum;
  const WeightedCluster* picked = &clusters.front();
  for (size_t i = 0; i < clusters.size(); ++i) {
    const uint64_t weight = weightOf(i);
    if (weight == 0) continue;
    picked = &clusters[i];
    if (left < weight) break;
    left -= weight;
  }
  return *picked;
}

ClusterChoice ClusterAction::choose(const RequestHead& head, uint64_t random,
                                    const WeightedCluster* picked) const {
  const auto named = [&](const HeaderName& name) {
    return head.fields.get(name).value_or(std::string_view());
  };
  if (weighted != nullptr) {
    if (picked == nullptr) picked = &weighted->pick(head, random);
    if (picked->header) return {kNoCluster, named(*picked->header), picked};
    return {picked->slot, picked->name, picked};
  }
  if (cluster_header) return {kNoCluster, named(*cluster_header), nullptr};
  return {slot, cluster, nullptr};
}

ClusterAction ClusterAction::from(const route::RouteAction& proto,
                                  std::shared_ptr<const RetryPolicy> inherited_retry,
                                  ClusterCheck check, const FieldPath& path, Report& report) {
  ClusterAction made;
  made.readCluster(proto, check, path, report);
  made.readDurations(proto, path, report);
  made.readUpgrades(proto, path, report);
  if (proto.cluster_not_found_response_code() == route::RouteAction::NOT_FOUND) {
    made.cluster_not_found_status = 404;
  } else if (proto.cluster_not_found_response_code() == route::RouteAction::INTERNAL_SERVER_ERROR) {
    made.cluster_not_found_status = 500;
  }
  if (proto.has_flush_timeout()) report.notYet(path.at("flush_timeout"));
  if (proto.priority() == envoy::config::core::v3::HIGH) made.priority = cluster::Priority::High;
  made.auto_host_rewrite = proto.auto_host_rewrite().value();
  made.append_x_forwarded_host = proto.append_x_forwarded_host();
  made.path_rewrite = PathRewrite::from(proto, path, report);
  made.host_rewrite = HostRewrite::from(proto, path, report);
  made.retry = std::move(inherited_retry);
  if (proto.has_retry_policy()) {
    made.retry = RetryPolicy::from(proto.retry_policy(), path.at("retry_policy"), report);
  }
  if (proto.hash_policy_size() != 0) {
    auto kept = std::make_unique<route::RouteAction>();
    *kept->mutable_hash_policy() = proto.hash_policy();
    made.hash_policy = std::move(kept);
    report.notYet(path.at("hash_policy"));
  }
  checkRest(proto, path, report);
  return made;
}

void ClusterAction::readCluster(const route::RouteAction& proto, ClusterCheck check,
                                const FieldPath& path, Report& report) {
  wanted = cluster::criteriaOf(proto.metadata_match(), nullptr);
  switch (proto.cluster_specifier_case()) {
    case route::RouteAction::kCluster:
      cluster = proto.cluster();
      if (cluster.empty()) {
        report.error(path.at("cluster"), "is empty");
      } else {
        slot = readSlot(cluster, check, path.at("cluster"), report);
      }
      break;
    case route::RouteAction::kClusterHeader:
      cluster_header = readName(proto.cluster_header(), path.at("cluster_header"), report);
      break;
    case route::RouteAction::kWeightedClusters:
      weighted = readAllWeighted(proto.weighted_clusters(), wanted, check,
                                 path.at("weighted_clusters"), report);
      break;
    case route::RouteAction::kClusterSpecifierPlugin:
      report.refuse(path.at("cluster_specifier_plugin"));
      break;
    case route::RouteAction::kInlineClusterSpecifierPlugin:
      report.refuse(path.at("inline_cluster_specifier_plugin"));
      break;
    case route::RouteAction::CLUSTER_SPECIFIER_NOT_SET:
      report.error(path, "one of cluster, cluster_header, weighted_clusters is expected");
      break;
  }
}

void ClusterAction::readDurations(const route::RouteAction& proto, const FieldPath& path,
                                  Report& report) {
  const auto read = [&](bool present, const google::protobuf::Duration& duration,
                        const FieldPath& at) -> std::optional<std::chrono::milliseconds> {
    if (!present) return std::nullopt;
    return readDuration(duration, at, report);
  };
  timeout = read(proto.has_timeout(), proto.timeout(), path.at("timeout")).value_or(timeout);
  timeout_text = std::to_string(timeout.count());
  idle_timeout = read(proto.has_idle_timeout(), proto.idle_timeout(), path.at("idle_timeout"));
  flush_timeout = read(proto.has_flush_timeout(), proto.flush_timeout(), path.at("flush_timeout"));
  grpc_timeout = GrpcTimeout::from(proto, path, report);
  duration = StreamDuration::from(proto, path, report);
  if (duration != nullptr) timeout = {};  // as in Envoy: the one takes the place of the other
}

void ClusterAction::readUpgrades(const route::RouteAction& proto, const FieldPath& path,
                                 Report& report) {
  for (int i = 0; i < proto.upgrade_configs_size(); ++i) {
    const route::RouteAction::UpgradeConfig& config = proto.upgrade_configs(i);
    const FieldPath at = path.at("upgrade_configs", i);
    Upgrade upgrade;
    upgrade.type = asciiLower(config.upgrade_type());
    if (config.has_enabled()) upgrade.enabled = config.enabled().value();
    upgrade.ends_connect = config.has_connect_config();
    const FieldPath connect = at.at("connect_config");
    if (upgrade.ends_connect && upgrade.type != "connect") {
      report.error(connect, "goes with upgrade_type CONNECT only");
    }
    if (config.connect_config().allow_post()) report.refuse(connect.at("allow_post"));
    if (config.connect_config().has_proxy_protocol_config()) {
      report.refuse(connect.at("proxy_protocol_config"));
    }
    if (upgrade.type.empty() || !isFieldValue(upgrade.type)) {
      report.error(at.at("upgrade_type"), "the name of a protocol is expected");
    }
    for (const Upgrade& other : upgrades) {
      if (other.type == upgrade.type) {
        report.error(at.at("upgrade_type"), "'" + upgrade.type + "' is configured twice");
      }
    }
    upgrades.push_back(std::move(upgrade));
  }
}

}  // namespace weir::router
