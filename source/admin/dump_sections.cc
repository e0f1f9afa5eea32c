#include <array>
#include <set>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/admin/config_dump.h"
#include "source/admin/dump_parts.h"
#include "source/config/any.h"

namespace weir::admin {
namespace {

namespace pb = envoy::admin::v3;
using envoy::config::listener::v3::FilterChain;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using google::protobuf::Message;

template <typename Entry>
void addRefusal(const DynamicView& view, Entry& entry) {
  if (view.refused != nullptr) *entry.mutable_error_state() = refusalOf(view);
}

template <typename Dump>
const Message& typeOf() {
  return Dump::default_instance();
}

std::unique_ptr<Message> bootstrapDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::BootstrapConfigDump>();
  *dump->mutable_bootstrap() = *input.bootstrap;
  *dump->mutable_last_updated() = stampOf(input.configured_at);
  return dump;
}

std::unique_ptr<Message> clustersDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::ClustersConfigDump>();
  for (const auto& cluster : input.bootstrap->static_resources().clusters()) {
    if (!input.wants(cluster.name())) continue;
    auto& entry = *dump->add_static_clusters();
    entry.mutable_cluster()->PackFrom(cluster);
    *entry.mutable_last_updated() = stampOf(input.configured_at);
  }
  dump->set_version_info(input.dynamic.clusters_version);
  for (const DynamicView& view : input.dynamic.clusters) {
    if (!input.wants(view.name)) continue;
    if (view.warming != nullptr) {
      auto& warming = *dump->add_dynamic_warming_clusters();
      warming.set_version_info(view.warming->version);
      *warming.mutable_cluster() = view.warming->body;
    }
    if (view.active == nullptr && view.refused == nullptr) continue;
    auto& entry = *dump->add_dynamic_active_clusters();
    if (view.active != nullptr) {
      entry.set_version_info(view.active->version);
      *entry.mutable_cluster() = view.active->body;
      *entry.mutable_last_updated() = stampOf(view.updated);
    }
    addRefusal(view, entry);
  }
  return dump;
}

std::unique_ptr<Message> filtersDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::EcdsConfigDump>();
  for (const DynamicView& view : input.dynamic.filters) {
    if (!input.wants(view.name)) continue;
    auto& entry = *dump->add_ecds_filters();
    if (view.active != nullptr) {
      entry.set_version_info(view.active->version);
      *entry.mutable_ecds_filter() = view.active->body;
    }
    addRefusal(view, entry);
  }
  return dump;
}

void addState(const xds::ResourcePtr& resource, pb::ListenersConfigDump::DynamicListenerState& to) {
  to.set_version_info(resource->version);
  *to.mutable_listener() = resource->body;
}

std::unique_ptr<Message> listenersDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::ListenersConfigDump>();
  for (const auto& listener : input.bootstrap->static_resources().listeners()) {
    if (!input.wants(listener.name())) continue;
    auto& entry = *dump->add_static_listeners();
    entry.mutable_listener()->PackFrom(listener);
    *entry.mutable_last_updated() = stampOf(input.configured_at);
  }
  dump->set_version_info(input.dynamic.listeners_version);
  for (const DynamicView& view : input.dynamic.listeners) {
    if (!input.wants(view.name)) continue;
    auto& entry = *dump->add_dynamic_listeners();
    entry.set_name(view.name);
    if (view.active != nullptr) {
      addState(view.active, *entry.mutable_active_state());
      *entry.mutable_active_state()->mutable_last_updated() = stampOf(view.updated);
    }
    if (view.warming != nullptr) addState(view.warming, *entry.mutable_warming_state());
    addRefusal(view, entry);
  }
  return dump;
}

template <typename Entry>
void addScopes(const ScopesView& view, Entry& entry) {
  entry.set_name(view.name);
  for (const google::protobuf::Any& scope : view.scopes) *entry.add_scoped_route_configs() = scope;
  *entry.mutable_last_updated() = stampOf(view.updated);
}

std::unique_ptr<Message> scopedRoutesDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::ScopedRoutesConfigDump>();
  for (const ScopesView& view : input.dynamic.scopes) {
    if (!input.wants(view.name)) continue;
    if (!view.dynamic) {
      addScopes(view, *dump->add_inline_scoped_route_configs());
      continue;
    }
    auto& entry = *dump->add_dynamic_scoped_route_configs();
    addScopes(view, entry);
    entry.set_version_info(view.version);
    for (const DynamicView& refused : view.refused) addRefusal(refused, entry);
  }
  return dump;
}

void addRoutes(const FilterChain& chain, const DumpInput& input, pb::RoutesConfigDump& to) {
  for (const auto& filter : chain.filters()) {
    HttpConnectionManager manager;
    const auto& any = filter.typed_config();
    if (config::anyTypeName(any) != manager.GetDescriptor()->full_name()) continue;
    Report report;
    if (!config::unpackAny(any, manager, Where(report)) || !manager.has_route_config()) continue;
    if (!input.wants(manager.route_config().name())) continue;
    auto& entry = *to.add_static_route_configs();
    entry.mutable_route_config()->PackFrom(manager.route_config());
    *entry.mutable_last_updated() = stampOf(input.configured_at);
  }
}

std::unique_ptr<Message> routesDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::RoutesConfigDump>();
  for (const auto& listener : input.bootstrap->static_resources().listeners()) {
    for (const FilterChain& chain : listener.filter_chains()) addRoutes(chain, input, *dump);
    addRoutes(listener.default_filter_chain(), input, *dump);
  }
  for (const DynamicView& view : input.dynamic.routes) {
    if (!input.wants(view.name)) continue;
    auto& entry = *dump->add_dynamic_route_configs();
    if (view.active != nullptr) {
      entry.set_version_info(view.active->version);
      *entry.mutable_route_config() = view.active->body;
    }
    addRefusal(view, entry);
  }
  return dump;
}

std::unique_ptr<Message> secretsDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::SecretsConfigDump>();
  for (const auto& secret : input.bootstrap->static_resources().secrets()) {
    if (!input.wants(secret.name())) continue;
    auto& entry = *dump->add_static_secrets();
    entry.set_name(secret.name());
    entry.mutable_secret()->PackFrom(secret);
    *entry.mutable_last_updated() = stampOf(input.configured_at);
  }
  for (const DynamicView& view : input.dynamic.secrets) {
    if (!input.wants(view.name)) continue;
    auto& entry = view.active == nullptr && view.refused == nullptr
                      ? *dump->add_dynamic_warming_secrets()
                      : *dump->add_dynamic_active_secrets();
    entry.set_name(view.name);
    if (view.active != nullptr) {
      entry.set_version_info(view.active->version);
      *entry.mutable_secret() = view.active->body;
    }
    addRefusal(view, entry);
  }
  return dump;
}

std::unique_ptr<Message> endpointsDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::EndpointsConfigDump>();
  std::set<std::string_view> dynamic;
  for (const DynamicView& view : input.dynamic.clusters) dynamic.insert(view.name);
  for (const cluster::ClusterPtr& cluster : *input.clusters) {
    if (!input.wants(cluster->name())) continue;
    auto& config = dynamic.contains(cluster->name())
                       ? *dump->add_dynamic_endpoint_configs()->mutable_endpoint_config()
                       : *dump->add_static_endpoint_configs()->mutable_endpoint_config();
    config.PackFrom(assignmentOf(*cluster));
  }
  return dump;
}

constexpr std::array kSections = {
    DumpSection{typeOf<pb::BootstrapConfigDump>, bootstrapDump, false},
    DumpSection{typeOf<pb::ClustersConfigDump>, clustersDump, false},
    DumpSection{typeOf<pb::EcdsConfigDump>, filtersDump, false},
    DumpSection{typeOf<pb::EndpointsConfigDump>, endpointsDump, true},
    DumpSection{typeOf<pb::ListenersConfigDump>, listenersDump, false},
    DumpSection{typeOf<pb::ScopedRoutesConfigDump>, scopedRoutesDump, false},
    DumpSection{typeOf<pb::RoutesConfigDump>, routesDump, false},
    DumpSection{typeOf<pb::SecretsConfigDump>, secretsDump, false},
};

}  // namespace

std::span<const DumpSection> dumpSections() { return kSections; }

}  // namespace weir::admin
