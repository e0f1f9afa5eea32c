#include "source/server/consul.h"

#include <algorithm>
#include <utility>

#include "source/config/any.h"
#include "source/stream/async_call.h"

namespace weir::server {
namespace {

using envoy::config::core::v3::TypedExtensionConfig;

// Nothing, and reported: it cannot be used.
std::optional<weir::consul::v1::Consul> unpack(const TypedExtensionConfig& extension,
                                               const Where& at) {
  const Where here = at.field("typed_config");
  const auto* const type = weir::consul::v1::Consul::descriptor();
  const std::string name = config::anyTypeName(extension.typed_config());
  if (name != type->full_name()) {
    here.error("expected " + type->full_name() + ", found " + (name.empty() ? "nothing" : name) +
               ": there are no other bootstrap extensions");
    return std::nullopt;
  }
  weir::consul::v1::Consul proto;
  if (!config::unpackAny(extension.typed_config(), proto, here)) return std::nullopt;
  return proto;
}

Consul::Settings readSettings(const weir::consul::v1::Consul& proto, size_t index,
                              const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                              const Where& at) {
  Consul::Settings settings;
  settings.index = index;
  auto agent = consul::readAgent(proto, at);
  if (agent) settings.agent = *std::move(agent);
  if (proto.has_kv()) settings.keys = consul::readPrefix(proto.kv(), at.field("kv"));
  if (proto.has_catalog()) {
    settings.catalog = consul::readCatalog(proto.catalog(), settings.agent, at.field("catalog"));
  }
  if (proto.has_registration()) {
    settings.registration = consul::readRegistration(
        proto.registration(), bootstrap.node().id(),
        bootstrap.admin().address().has_socket_address(), at.field("registration"));
  }
  return settings;
}

}  // namespace

std::unique_ptr<Consul> Consul::read(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                     const Where& at, const Parts& parts) {
  std::unique_ptr<Consul> consul;
  for (int i = 0; i < bootstrap.bootstrap_extensions_size(); ++i) {
    const auto index = static_cast<size_t>(i);
    const Where here = at.field("bootstrap_extensions").index(index);
    const auto proto = unpack(bootstrap.bootstrap_extensions(i), here);
    if (!proto) continue;
    const size_t before = here.report().errors();
    Settings settings = readSettings(*proto, index, bootstrap, here.field("typed_config"));
    if (consul != nullptr) {
      here.error("weir.bootstrap.consul stands above already: all ask one agent");
    } else if (here.report().errors() == before) {
      consul = std::make_unique<Consul>(parts, std::move(settings));
    }
  }
  return consul;
}

Consul::Consul(const Parts& parts, Settings settings)
    : settings_(std::move(settings)),
      agent_({parts.services.loop,
              [&services = parts.services](CallRequest request) {
                return stream::callThrough(services, std::move(request));
              },
              [&services = parts.services] { return services.random.next(); },
              parts.root.scope("consul"), consul::TroubleLog::sayInLog, parts.kept},
             settings_.agent),
      services_(agent_) {
  if (settings_.keys || settings_.catalog) makeResources(parts.services.loop, agent_.scope());
  if (settings_.registration) registration_.emplace(agent_, *settings_.registration);
}

void Consul::makeResources(net::Loop& loop, const StatScope& scope) {
  using consul::Resources;
  using xds::ResourceType;
  Resources::Settings from;
  from.scope = scope;
  if (settings_.keys) {
    for (const auto& [folder, type] : consul::kFolders) {
      from.origins[Resources::Origin::Keys].insert(type);
    }
  }
  if (settings_.catalog) {
    auto& types = from.origins[Resources::Origin::Catalog];
    types.insert(ResourceType::Cluster);
    if (!settings_.catalog->route_config_name.empty()) types.insert(ResourceType::Routes);
  }
  resources_.emplace(loop, std::move(from));
  if (settings_.catalog) {
    catalog_.emplace(
        services_, *settings_.catalog,
        consul::Catalog::User{[this](ResourceType type, const std::vector<xds::ResourcePtr>& all) {
                                resources_->set(Resources::Origin::Catalog, type, all, {});
                              },
                              [this] { resources_->miss(Resources::Origin::Catalog); }});
  }
  if (settings_.keys) {
    keys_.emplace(agent_, *settings_.keys,
                  consul::Kv::User{[this](ResourceType type, std::vector<xds::ResourcePtr> all,
                                          std::vector<xds::Refusal> unreadable) {
                                     onKeys(type, std::move(all), std::move(unreadable));
                                   },
                                   [this] { resources_->miss(Resources::Origin::Keys); }});
  }
}

void Consul::start() {
  if (keys_) keys_->start();
  if (catalog_) catalog_->start();
}

// Of the route configuration that the catalog's routes are merged into there is one.
void Consul::onKeys(xds::ResourceType type, std::vector<xds::ResourcePtr> resources,
                    std::vector<xds::Refusal> unreadable) {
  if (catalog_ && type == xds::ResourceType::Routes) catalog_->setBase(takeBase(resources));
  resources_->set(consul::Resources::Origin::Keys, type, std::move(resources),
                  std::move(unreadable));
}

std::optional<envoy::config::route::v3::RouteConfiguration> Consul::takeBase(
    std::vector<xds::ResourcePtr>& routes) const {
  const std::string& name = settings_.catalog->route_config_name;
  const auto found = std::find_if(routes.begin(), routes.end(),
                                  [&](const xds::ResourcePtr& each) { return each->name == name; });
  envoy::config::route::v3::RouteConfiguration base;
  if (name.empty() || found == routes.end()) return std::nullopt;
  if (!base.ParseFromString((*found)->body.value())) return std::nullopt;
  routes.erase(found);
  return base;
}

}  // namespace weir::server
