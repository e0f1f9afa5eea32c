#include "source/tcp/tcp_proxy_plan.h"

#include <limits>

#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/stream/listener_plan_build.h"

namespace weir::tcp {
namespace {

using Proto = TcpProxyPlan::Proto;
using std::chrono::milliseconds;

milliseconds toMs(const google::protobuf::Duration& duration) {
  const milliseconds ms(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
  return ms.count() == 0 && duration.nanos() > 0 ? milliseconds(1) : ms;
}

void refuse(bool set, const Where& at, const char* field, const char* why) {
  if (set) at.field(field).error(why);
}

void refuseUnsupported(const Proto& proto, const Where& at) {
  refuse(proto.has_on_demand(), at, "on_demand",
         "clusters cannot be fetched on demand: there is no cluster discovery yet");
  refuse(proto.has_tunneling_config(), at, "tunneling_config",
         "tunnels over HTTP CONNECT are not supported yet");
  refuse(proto.upstream_connect_mode() !=
             envoy::extensions::filters::network::tcp_proxy::v3::IMMEDIATE,
         at, "upstream_connect_mode",
         "only IMMEDIATE: network filters decide and TLS is established before anything connects");
  refuse(proto.proxy_protocol_tlvs_size() != 0, at, "proxy_protocol_tlvs",
         "not supported yet; added_tlvs of the cluster's transport_socket are");
  // Envoy hides both and does not act on them.
  refuse(proto.has_downstream_idle_timeout(), at, "downstream_idle_timeout",
         "not supported, as in Envoy; use idle_timeout");
  refuse(proto.has_upstream_idle_timeout(), at, "upstream_idle_timeout",
         "not supported, as in Envoy; use idle_timeout");
  if (proto.hash_policy_size() > 1) at.field("hash_policy").error("expected at most one");
  if (proto.hash_policy_size() == 1) {
    const Where policy = at.field("hash_policy").index(0);
    refuse(proto.hash_policy(0).has_filter_state(), policy, "filter_state",
           "there is no filter state");
    policy.warning("no load balancer that hashes is configured: endpoints are chosen without it");
  }
}

void readTargets(const Proto& proto, const Where& at, const stream::BuildContext& context,
                 TcpProxyPlan& plan) {
  const cluster::CriteriaPtr wanted = cluster::criteriaOf(proto.metadata_match(), nullptr);
  const auto add = [&](const std::string& name, uint32_t weight, const Where& here) {
    if (name.empty()) here.error("expected the name of a cluster");
    const uint32_t slot = context.cluster_slot(name);
    if (slot == cluster::kNoSlot && !name.empty())
      here.warning("there is no cluster '" + name + "': connections will be closed");
    plan.targets.push_back({name, slot, weight});
    if (slot != cluster::kNoSlot && context.named_cluster)
      plan.targets.back().named = context.named_cluster(name);
    plan.total_weight += weight;
  };
  if (proto.has_weighted_clusters()) {
    const auto& clusters = proto.weighted_clusters().clusters();
    const Where list = at.field("weighted_clusters").field("clusters");
    if (clusters.empty()) list.error("expected at least one cluster");
    for (int i = 0; i < clusters.size(); ++i) {
      const Where here = list.index(static_cast<size_t>(i));
      if (clusters[i].weight() == 0) here.field("weight").error("expected at least 1");
      add(clusters[i].name(), clusters[i].weight(), here.field("name"));
      plan.targets.back().wanted = cluster::criteriaOf(clusters[i].metadata_match(), wanted);
    }
    if (plan.total_weight > std::numeric_limits<uint32_t>::max())
      list.error("the weights' sum is more than 4294967295");
  } else if (proto.cluster_specifier_case() == Proto::kCluster) {
    add(proto.cluster(), 1, at.field("cluster"));
    plan.targets.back().wanted = wanted;
  } else {
    at.error("expected cluster or weighted_clusters");
  }
}

void readTimes(const Proto& proto, const Where& at, TcpProxyPlan& plan) {
  if (proto.has_idle_timeout()) plan.idle_timeout = toMs(proto.idle_timeout());
  if (proto.has_max_downstream_connection_duration()) {
    plan.max_duration = toMs(proto.max_downstream_connection_duration());
    if (plan.max_duration.count() == 0)
      at.field("max_downstream_connection_duration").error("expected at least 1ms");
  }
  const auto& jitter = proto.max_downstream_connection_duration_jitter_percentage();
  if (jitter.value() < 0 || jitter.value() > 100)
    at.field("max_downstream_connection_duration_jitter_percentage").error("expected 0 to 100");
  plan.max_duration_jitter = jitter.value() / 100;
  if (proto.has_max_connect_attempts()) {
    plan.max_connect_attempts = proto.max_connect_attempts().value();
    if (plan.max_connect_attempts == 0)
      at.field("max_connect_attempts").error("expected at least 1");
  }
  if (!proto.has_backoff_options()) return;
  const auto& backoff = proto.backoff_options();
  plan.backoff_base = toMs(backoff.base_interval());
  plan.backoff_max =
      backoff.has_max_interval() ? toMs(backoff.max_interval()) : 10 * plan.backoff_base;
  const Where here = at.field("backoff_options");
  if (plan.backoff_base.count() == 0) here.field("base_interval").error("expected at least 1ms");
  if (plan.backoff_max < plan.backoff_base)
    here.field("max_interval").error("is less than base_interval");
}

void readLogs(const Proto& proto, const Where& at, const stream::BuildContext& context,
              TcpProxyPlan& plan) {
  const auto& options = proto.access_log_options();
  if (options.has_access_log_flush_interval()) {
    plan.log_interval = toMs(options.access_log_flush_interval());
  } else if (proto.has_access_log_flush_interval()) {
    plan.log_interval = toMs(proto.access_log_flush_interval());
  }
  plan.log_on_start = options.flush_access_log_on_start();
  plan.log_on_connected =
      options.flush_access_log_on_connected() || proto.flush_access_log_on_connected();
  stream::ListenerPlanBuild build(context, at, context.stats);
  std::vector<Error> errors;
  plan.access_logs =
      telemetry::AccessLogPlan::from(proto.access_log(), "access_log", build, context.logs,
                                     context.runtime, errors, context.log_sinks);
  for (const Error& error : errors) build.tell(error);
}

}  // namespace

TcpProxyStats::TcpProxyStats(const StatScope& scope)
    : cx_total(scope.counter("downstream_cx_total")),
      no_route(scope.counter("downstream_cx_no_route")),
      paused_reading(scope.counter("downstream_flow_control_paused_reading_total")),
      resumed_reading(scope.counter("downstream_flow_control_resumed_reading_total")),
      idle_timeout(scope.counter("idle_timeout")),
      max_duration(scope.counter("max_downstream_connection_duration")),
      bytes{scope.counter("downstream_cx_rx_bytes_total"),
            scope.counter("downstream_cx_tx_bytes_total")} {}

const TcpProxyPlan::Target& TcpProxyPlan::pick(uint64_t random) const {
  uint64_t at = random % total_weight;
  for (const Target& target : targets) {
    if (at < target.weight) return target;
    at -= target.weight;
  }
  return targets.back();
}

std::shared_ptr<const TcpProxyPlan> TcpProxyPlan::from(const Proto& proto, const Where& at,
                                                       const stream::BuildContext& context) {
  const size_t before = at.report().errors();
  if (proto.stat_prefix().empty())
    at.field("stat_prefix").error("expected a name for the statistics, such as ingress_tcp");
  auto plan = std::make_shared<TcpProxyPlan>(
      context.stats.scope("tcp").tagged(proto.stat_prefix(), "envoy_tcp_prefix"));
  plan->buffer_limit = context.buffer_limit;
  refuseUnsupported(proto, at);
  readTargets(proto, at, context, *plan);
  readTimes(proto, at, *plan);
  readLogs(proto, at, context, *plan);
  return at.report().errors() == before ? plan : nullptr;
}

}  // namespace weir::tcp
