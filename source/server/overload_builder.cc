#include "source/server/overload_builder.h"

#include <algorithm>
#include <optional>
#include <string>

#include "envoy/extensions/resource_monitors/cgroup_memory/v3/cgroup_memory.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap.pb.h"
#include "envoy/extensions/resource_monitors/injected_resource/v3/injected_resource.pb.h"

namespace weir::server {
namespace {

namespace monitors = envoy::extensions::resource_monitors;
using envoy::config::overload::v3::OverloadManager;
using monitors::cgroup_memory::v3::CgroupMemoryConfig;
using monitors::downstream_connections::v3::DownstreamConnectionsConfig;
using monitors::fixed_heap::v3::FixedHeapConfig;
using monitors::injected_resource::v3::InjectedResourceConfig;
using overload::ActionKind;

std::chrono::milliseconds toMs(const google::protobuf::Duration& duration) {
  return std::chrono::milliseconds(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
}

struct ActionName {
  std::string_view name;
  ActionKind kind;
};
constexpr ActionName kActions[] = {
    {"envoy.overload_actions.stop_accepting_requests", ActionKind::StopAcceptingRequests},
    {"envoy.overload_actions.disable_http_keepalive", ActionKind::DisableHttpKeepalive},
    {"envoy.overload_actions.stop_accepting_connections", ActionKind::StopAcceptingConnections},
    {"envoy.overload_actions.reject_incoming_connections", ActionKind::RejectIncomingConnections},
    {"envoy.overload_actions.shrink_heap", ActionKind::ShrinkHeap},
};

// What exists in Envoy and not here, and what to do instead.
struct MissingName {
  std::string_view name;
  std::string_view text;
};
constexpr MissingName kMissing[] = {
    {"envoy.overload_actions.reduce_timeouts",
     "timeouts are not shortened; set shorter ones, or use disable_http_keepalive"},
    {"envoy.overload_actions.reset_high_memory_stream",
     "the memory of a stream is not tracked; per_connection_buffer_limit_bytes bounds it"},
    {"envoy.overload_actions.close_idle_http_connections",
     "it is for HTTP/3 alone, which is not supported"},
    {"envoy.load_shed_points.tcp_listener_accept",
     "use the action envoy.overload_actions.reject_incoming_connections, which does the same"},
    {"envoy.load_shed_points.http_connection_manager_decode_headers",
     "use the action envoy.overload_actions.stop_accepting_requests, which does the same"},
    {"envoy.load_shed_points.http2_server_go_away_on_dispatch",
     "use the action envoy.overload_actions.disable_http_keepalive"},
};

std::string whyNot(const std::string& name, std::string_view otherwise) {
  for (const MissingName& missing : kMissing) {
    if (missing.name == name)
      return "'" + name + "' is not supported: " + std::string(missing.text);
  }
  return "'" + name + "' is not supported: " + std::string(otherwise);
}

class Builder {
 public:
  Builder(const OverloadManager& proto, const Where& at, const stream::BuildContext& context)
      : proto_(proto), at_(at), context_(context) {}

  OverloadSettings build() {
    readInterval();
    for (int i = 0; i < proto_.resource_monitors_size(); ++i) {
      readMonitor(proto_.resource_monitors(i),
                  at_.field("resource_monitors").index(static_cast<size_t>(i)));
    }
    for (int i = 0; i < proto_.actions_size(); ++i) {
      readAction(proto_.actions(i), at_.field("actions").index(static_cast<size_t>(i)));
    }
    refuseUnsupported();
    return std::move(made_);
  }

 private:
  void readInterval() {
    if (!proto_.has_refresh_interval()) return;
    made_.plan.refresh_interval = toMs(proto_.refresh_interval());
    if (made_.plan.refresh_interval.count() < 1)
      at_.field("refresh_interval").error("expected at least 1ms");
  }

  void readMonitor(const envoy::config::overload::v3::ResourceMonitor& proto, const Where& at) {
    if (proto.name().empty()) at.field("name").error("expected a name, found nothing");
    if (resourceOf(proto.name()) || proto.name() == limit_name_) {
      at.field("name").error("a monitor named '" + proto.name() + "' stands above already");
      return;
    }
    const Where here = at.field("typed_config");
    const size_t before = at.report().errors();
    const std::string type = context_.type_of(proto.typed_config());
    if (auto source = sourceOf(type, proto.typed_config(), here)) {
      made_.plan.resources.push_back({proto.name(), *std::move(source)});
    } else if (type == DownstreamConnectionsConfig::descriptor()->full_name()) {
      limit_name_ = proto.name();
      readLimit(proto.typed_config(), here);
    } else {
      made_.plan.resources.push_back({proto.name(), {}});  // so that triggers find it
      if (at.report().errors() != before) return;
      here.error("no such monitor" + (type.empty() ? type : " is supported: " + type) +
                 "; there are fixed_heap, cgroup_memory, injected_resource and "
                 "downstream_connections");
    }
  }

  // Nothing: of another kind, or with errors, which are reported.
  std::optional<overload::PressureSource> sourceOf(const std::string& type,
                                                   const google::protobuf::Any& any,
                                                   const Where& at) {
    if (type == FixedHeapConfig::descriptor()->full_name()) {
      FixedHeapConfig config;
      if (!context_.unpack(any, config, at)) return std::nullopt;
      if (config.has_max_heap_size_bytes_runtime())
        at.field("max_heap_size_bytes_runtime").error("only max_heap_size_bytes is supported");
      if (config.max_heap_size_bytes() == 0)
        at.field("max_heap_size_bytes").error("expected at least 1");
      return overload::fixedHeap(config.max_heap_size_bytes());
    }
    if (type == CgroupMemoryConfig::descriptor()->full_name()) {
      CgroupMemoryConfig config;
      if (!context_.unpack(any, config, at)) return std::nullopt;
      return overload::cgroupMemory(config.max_memory_bytes());
    }
    if (type == InjectedResourceConfig::descriptor()->full_name()) {
      InjectedResourceConfig config;
      if (!context_.unpack(any, config, at)) return std::nullopt;
      if (config.filename().empty()) at.field("filename").error("expected the name of a file");
      return overload::injected(config.filename());
    }
    return std::nullopt;
  }

  void readLimit(const google::protobuf::Any& any, const Where& at) {
    DownstreamConnectionsConfig config;
    if (!context_.unpack(any, config, at)) return;
    const int64_t most = config.max_active_downstream_connections();
    if (most <= 0) at.field("max_active_downstream_connections").error("expected at least 1");
    made_.connections = std::make_shared<listener::ConnectionLimit>(static_cast<uint64_t>(most));
  }

  void readAction(const envoy::config::overload::v3::OverloadAction& proto, const Where& at) {
    const auto found =
        std::find_if(std::begin(kActions), std::end(kActions),
                     [&](const ActionName& one) { return one.name == proto.name(); });
    if (found == std::end(kActions)) {
      at.field("name").error(whyNot(proto.name(), "there is no such action"));
      return;
    }
    auto& actions = made_.plan.actions;
    if (std::any_of(actions.begin(), actions.end(),
                    [&](const auto& action) { return action.kind == found->kind; })) {
      at.field("name").error("this action stands above already; one may have several triggers");
      return;
    }
    actions.push_back({proto.name(), found->kind, {}});
    if (proto.triggers_size() == 0) at.field("triggers").error("expected at least one trigger");
    for (int i = 0; i < proto.triggers_size(); ++i) {
      readTrigger(proto.triggers(i), at.field("triggers").index(static_cast<size_t>(i)),
                  actions.back().triggers);
    }
    if (!proto.has_typed_config()) return;
    const Where config = at.field("typed_config");
    if (found->kind == ActionKind::ShrinkHeap) return readShrink(proto.typed_config(), config);
    config.error("this action has no configuration of its own");
  }

  void readTrigger(const envoy::config::overload::v3::Trigger& proto, const Where& at,
                   std::vector<overload::TriggerPlan>& into) {
    const auto resource = resourceOf(proto.name());
    if (!resource) {
      at.field("name").error(proto.name() == limit_name_ && !limit_name_.empty()
                                 ? "this monitor limits connections by itself and triggers nothing"
                                 : "no resource monitor is named '" + proto.name() + "'");
      return;
    }
    if (std::any_of(into.begin(), into.end(),
                    [&](const auto& trigger) { return trigger.resource == *resource; })) {
      at.field("name").error("this action has a trigger of this resource already");
    }
    if (proto.has_threshold()) {
      const double value = proto.threshold().value();
      checkPart(value, at.field("threshold").field("value"));
      into.push_back({*resource, overload::Trigger::threshold(value)});
    } else if (proto.has_scaled()) {
      const overload::Trigger trigger{proto.scaled().scaling_threshold(),
                                      proto.scaled().saturation_threshold()};
      const Where here = at.field("scaled");
      checkPart(trigger.scaling, here.field("scaling_threshold"));
      checkPart(trigger.saturation, here.field("saturation_threshold"));
      if (!(trigger.scaling < trigger.saturation))
        here.error("scaling_threshold has to be less than saturation_threshold");
      into.push_back({*resource, trigger});
    } else {
      at.error("expected threshold or scaled");
    }
  }

  static void checkPart(double value, const Where& at) {
    if (!(value >= 0 && value <= 1)) at.error("expected 0 to 1");
  }

  void readShrink(const google::protobuf::Any& any, const Where& at) {
    envoy::config::overload::v3::ShrinkHeapConfig config;
    if (!context_.unpack(any, config, at)) return;
    overload::ShrinkPlan& shrink = made_.plan.shrink;
    if (config.has_timer_interval()) {
      shrink.interval = toMs(config.timer_interval());
      if (shrink.interval.count() < 1) at.field("timer_interval").error("expected at least 1ms");
    }
    if (config.has_max_unfreed_memory_bytes())
      shrink.max_unfreed = config.max_unfreed_memory_bytes().value();
  }

  void refuseUnsupported() {
    for (int i = 0; i < proto_.loadshed_points_size(); ++i) {
      at_.field("loadshed_points")
          .index(static_cast<size_t>(i))
          .field("name")
          .error(whyNot(proto_.loadshed_points(i).name(), "load is shed by actions alone"));
    }
    if (proto_.has_buffer_factory_config()) {
      at_.field("buffer_factory_config")
          .error(
              "the memory of a stream is not tracked; per_connection_buffer_limit_bytes bounds it");
    }
  }

  std::optional<size_t> resourceOf(const std::string& name) const {
    const auto& all = made_.plan.resources;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const auto& resource) { return resource.name == name; });
    if (found == all.end()) return std::nullopt;
    return static_cast<size_t>(found - all.begin());
  }

  const OverloadManager& proto_;
  const Where at_;
  const stream::BuildContext& context_;
  OverloadSettings made_;
  std::string limit_name_;  // of the monitor that limits connections
};

}  // namespace

OverloadSettings buildOverload(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                               const Where& at, const stream::BuildContext& context) {
  OverloadSettings made =
      Builder(bootstrap.overload_manager(), at.field("overload_manager"), context).build();
  if (made.connections != nullptr || bootstrap.layered_runtime().layers().empty()) return made;
  made.connections = std::make_shared<listener::ConnectionLimit>(
      UINT64_MAX, keyOf(context.runtime, "overload.global_downstream_max_connections"));
  return made;
}

}  // namespace weir::server
