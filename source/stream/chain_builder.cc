#include "source/stream/chain_builder.h"

#include <algorithm>
#include <optional>

#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/cluster/cluster.h"
#include "source/stream/filter_build.h"
#include "source/stream/filter_discovery.h"

namespace weir::stream {
namespace {

using google::protobuf::Any;
using FilterConfig = envoy::config::route::v3::FilterConfig;

using HttpFilter = envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
using FilterList = google::protobuf::RepeatedPtrField<HttpFilter>;

StatScope scopeOf(const HttpConnectionManager& proto, const BuildContext& context) {
  return context.stats.scope("http").tagged(proto.stat_prefix(), "envoy_http_conn_manager_prefix");
}

// Reads a list of filters, before routes have their say.
class FilterReader {
 public:
  // `may_discover`: a filter's configuration may come from a control plane.
  FilterReader(const HttpConnectionManager& proto, HcmPlan& plan, const BuildContext& context,
               bool may_discover)
      : plan_(plan),
        context_(context),
        may_discover_(may_discover),
        stats_(scopeOf(proto, context)) {}

  // `field` is the list's place.
  std::vector<ConfiguredFilter> read(const FilterList& filters, const Where& field) {
    const int count = filters.size();
    if (count == 0) field.error("expected at least envoy.filters.http.router, the last filter");
    for (int i = 0; i < count; ++i) {
      readFilter(filters.Get(i), field.index(static_cast<size_t>(i)), i == count - 1);
    }
    if (filters_.size() > 255) field.error("more than 255 filters");
    return std::move(filters_);
  }
  // Of the last filter.
  const RouterPlan& router() const { return router_; }

 private:
  void readFilter(const HttpFilter& proto, const Where& at, bool last);
  void readDiscovered(const HttpFilter& proto, const Where& at, bool last);

  HcmPlan& plan_;
  const BuildContext& context_;
  const bool may_discover_;
  const StatScope stats_;
  std::vector<ConfiguredFilter> filters_;
  RouterPlan router_;
};

void FilterReader::readFilter(const HttpFilter& proto, const Where& at, bool last) {
  if (proto.name().empty()) at.field("name").error("expected a name");
  if (proto.has_config_discovery()) return readDiscovered(proto, at, last);
  const Where config = at.field("typed_config");
  const std::string type_name = context_.type_of(proto.typed_config());
  const FilterType* type = context_.registry.findByConfig(type_name);
  if (type == nullptr) {
    if (proto.is_optional())
      return config.warning("no filter for '" + type_name + "'; left out (is_optional)");
    return config.error(type_name.empty() ? "expected the filter's configuration, with its @type"
                                          : "no filter is configured by '" + type_name + "'");
  }
  if (type->terminal != last) {
    return at.error(last ? "the last filter must be envoy.filters.http.router"
                         : "envoy.filters.http.router must be the last filter");
  }
  FilterBuild build(context_, plan_.background, config, stats_);
  auto plan = type->plan(proto.typed_config(), build);
  if (!plan) return build.tell(plan.error());
  if (type->terminal) {
    router_ = *static_cast<const RouterPlan*>(plan->get());
    return;
  }
  filters_.push_back({{type, *std::move(plan), proto.name()}, proto.disabled()});
}

void FilterReader::readDiscovered(const HttpFilter& proto, const Where& at, bool last) {
  const Where config = at.field("config_discovery");
  if (last) return at.error("the last filter must be envoy.filters.http.router, without discovery");
  if (!may_discover_) return config.error("is for http_filters only, not for those of upgrades");
  auto filter = stream::readDiscovered(proto.config_discovery(), proto.name(), plan_.background,
                                       config, context_, stats_);
  if (!filter) return;
  filter->disabled = proto.disabled();
  filters_.push_back(*std::move(filter));
}

// Makes the chains of one list of filters for the plan's routes.
class RouteChains {
 public:
  // `at` is the RouteConfiguration's place.
  RouteChains(const std::vector<ConfiguredFilter>& filters, HcmPlan& plan, const Where& at,
              const BuildContext& context)
      : filters_(filters), plan_(plan), at_(at), context_(context) {}

  Chains build() {
    std::vector<ChainSlot> slots;
    for (const ConfiguredFilter& filter : filters_) {
      if (!filter.disabled) slots.push_back(filter.slot);
    }
    chains_.shared = std::make_shared<const Chain>(std::move(slots));
    readRoutes();
    return std::move(chains_);
  }

 private:
  void readRoutes();
  // `cluster`: the weighted cluster that was picked, if it says something of its own.
  std::shared_ptr<const Chain> chainFor(const router::Route& route,
                                        const router::WeightedCluster* cluster = nullptr);
  void readClusters(const router::Route& route);
  std::optional<ConfiguredFilter> override(const ConfiguredFilter& filter,
                                           const router::Route& route,
                                           const router::WeightedCluster* cluster);

  const std::vector<ConfiguredFilter>& filters_;
  HcmPlan& plan_;
  const Where at_;
  const BuildContext& context_;
  Chains chains_;
};

void RouteChains::readRoutes() {
  chains_.by_route.resize(plan_.routes->routeCount());
  for (const auto& host : plan_.routes->virtualHosts()) {
    for (const router::Route& route : host->routes) {
      chains_.by_route[route.id] = chainFor(route);
      readClusters(route);
    }
  }
  const bool all_plain = std::all_of(chains_.by_route.begin(), chains_.by_route.end(),
                                     [](const auto& chain) { return chain == nullptr; });
  if (all_plain) chains_.by_route = {};
}

void RouteChains::readClusters(const router::Route& route) {
  const router::ClusterAction* action = route.cluster();
  if (action == nullptr || action->weighted == nullptr) return;
  for (const router::WeightedCluster& cluster : action->weighted->clusters) {
    if (cluster.config.filters().empty()) continue;
    chains_.by_cluster.emplace(&cluster, chainFor(route, &cluster));
  }
}

std::shared_ptr<const Chain> RouteChains::chainFor(const router::Route& route,
                                                   const router::WeightedCluster* cluster) {
  const router::PerFilterConfig* levels[] = {
      &plan_.routes->config().filters(), &route.host->config.filters(), &route.config.filters()};
  const bool plain =
      std::all_of(std::begin(levels), std::end(levels), [](auto* level) { return level->empty(); });
  if (plain && cluster == nullptr) return nullptr;
  std::vector<ChainSlot> slots;
  for (const ConfiguredFilter& filter : filters_) {
    const auto effective = override(filter, route, cluster);
    if (effective && !effective->disabled) slots.push_back(effective->slot);
  }
  return std::make_shared<const Chain>(std::move(slots));
}

// Applies what the table, the virtual host, the route and the weighted cluster say about one
// filter; least specific first.
std::optional<ConfiguredFilter> RouteChains::override(const ConfiguredFilter& filter,
                                                      const router::Route& route,
                                                      const router::WeightedCluster* cluster) {
  ConfiguredFilter result = filter;
  std::vector<FilterConfig> wrappers;
  wrappers.reserve(4);
  std::vector<const Any*> configs;
  const Where at = at_.field("virtual_hosts");
  for (const router::LevelConfig* level :
       {&plan_.routes->config(), &route.host->config, &route.config,
        cluster == nullptr ? nullptr : &cluster->config}) {
    const Any* any = level == nullptr ? nullptr : level->filter(filter.slot.name);
    if (any == nullptr) continue;
    if (context_.type_of(*any) != FilterConfig::descriptor()->full_name()) {
      configs.push_back(any);
      result.disabled = false;
      continue;
    }
    FilterConfig& wrapper = wrappers.emplace_back();
    if (!context_.unpack(*any, wrapper, at)) return std::nullopt;
    result.disabled = wrapper.disabled();
    if (wrapper.has_config()) configs.push_back(&wrapper.config());
  }
  if (configs.empty() || result.disabled || isMissing(filter.slot)) return result;
  const FilterType& type = *filter.slot.type;
  FilterBuild build(context_, plan_.background,
                    at.key(route.host->name).field("typed_per_filter_config").key(filter.slot.name),
                    plan_.filter_scope);
  const std::string expected =
      type.route_config == nullptr ? "" : type.route_config->GetDescriptor()->full_name();
  for (const Any* config : configs) {
    if (context_.type_of(*config) == expected && !expected.empty()) continue;
    build.tell(Error{"", expected.empty()
                             ? "this filter has no configuration per route"
                             : "expected " + expected + ", found " + context_.type_of(*config)});
    return std::nullopt;
  }
  auto plan = type.route_plan(filter.slot.plan.get(), configs, build);
  if (!plan) {
    build.tell(plan.error());
    return std::nullopt;
  }
  result.slot.plan = *std::move(plan);
  return result;
}

// `router` of an upgrade's own filters says nothing else than that of http_filters, which is the
// one that is asked.
void checkRouter(const FilterList& own, const FilterList& all, const Where& at) {
  if (own.empty() || all.empty()) return;
  const Any& mine = own.Get(own.size() - 1).typed_config();
  const Any& others = all.Get(all.size() - 1).typed_config();
  if (mine.SerializeAsString() == others.SerializeAsString()) return;
  at.index(static_cast<size_t>(own.size() - 1))
      .error("expected the same router as in http_filters: another one is not supported");
}

void readUpgrades(const HttpConnectionManager& proto, HcmPlan& plan, const Where& at,
                  const BuildContext& context) {
  for (int i = 0; i < proto.upgrade_configs_size(); ++i) {
    const HttpConnectionManager::UpgradeConfig& config = proto.upgrade_configs(i);
    const Where here = at.field("upgrade_configs").index(static_cast<size_t>(i));
    const std::string& type = config.upgrade_type();
    if (type.empty() || !isFieldValue(type)) {
      here.field("upgrade_type").error("expected the name of a protocol, such as websocket");
    } else if (plan.upgrades.has(type)) {
      here.field("upgrade_type").error("'" + type + "' is configured twice");
    }
    Upgrades::Entry entry;
    entry.type = type;
    entry.enabled = !config.has_enabled() || config.enabled().value();
    if (config.filters_size() != 0) {
      const Where filters = here.field("filters");
      checkRouter(config.filters(), proto.http_filters(), filters);
      entry.filters = FilterReader(proto, plan, context, false).read(config.filters(), filters);
      entry.has_filters = true;
    }
    plan.upgrades.add(std::move(entry));
  }
}

}  // namespace

void readFilters(const HttpConnectionManager& proto, HcmPlan& plan, const Where& at,
                 const BuildContext& context) {
  FilterReader reader(proto, plan, context, true);
  plan.filters = reader.read(proto.http_filters(), at.field("http_filters"));
  plan.filter_scope = scopeOf(proto, context);
  plan.router = reader.router();
  readUpgrades(proto, plan, at, context);
  FilterBuild build(context, plan.background, at, context.stats);
  std::vector<Error> errors;
  plan.access_logs =
      telemetry::AccessLogPlan::from(proto.access_log(), "access_log", build, context.logs,
                                     context.runtime, errors, context.log_sinks);
  for (const Error& error : errors) {
    if (!error.text.empty()) at.field(error.field).error(error.text);
  }
}

void buildChains(HcmPlan& plan, const Where& at, const BuildContext& context) {
  plan.chains = RouteChains(plan.filters, plan, at, context).build();
  for (Upgrades::Entry& entry : plan.upgrades.entries()) {
    if (!entry.has_filters) continue;
    entry.chains =
        std::make_shared<const Chains>(RouteChains(entry.filters, plan, at, context).build());
  }
}

}  // namespace weir::stream
