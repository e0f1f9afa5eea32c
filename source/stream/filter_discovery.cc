#include "source/stream/filter_discovery.h"

#include <algorithm>
#include <unordered_map>

#include "source/stream/chain_builder.h"
#include "source/stream/scopes.h"

namespace weir::stream {
namespace {

using google::protobuf::Any;

// Stands where a configuration has not come: nobody passes without a filter that may be there to
// keep them out.
struct MissingPlan {
  std::string details;
};

class MissingFilter final : public Filter {
 public:
  explicit MissingFilter(const MissingPlan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead&, Stream&) override {
    LocalReply reply;
    reply.status = 500;
    reply.body = "Internal Server Error";
    reply.details = plan_.details;
    reply.flag = ResponseFlag::NoFilterConfigFound;
    return Verdict::reply(reply);
  }

 private:
  const MissingPlan& plan_;
};

const FilterType& missingType() {
  static const FilterType kType = [] {
    FilterType type{};
    type.name = "missing";
    type.config = &Any::default_instance();
    type.place = [](Arena& arena, const void* plan) -> Filter* {
      return arena.make<MissingFilter>(*static_cast<const MissingPlan*>(plan));
    };
    type.request_body = type.response_body = [](const void*) { return BodyNeed::none(); };
    type.hooks = kOnRequest;
    return type;
  }();
  return kType;
}

ChainSlot missingSlot(const std::string& name) {
  auto plan =
      std::make_shared<const MissingPlan>(MissingPlan{"filter_config_missing{" + name + "}"});
  return {&missingType(), std::move(plan), name};
}

std::string afterSlash(const std::string& url) {
  const size_t slash = url.rfind('/');
  return slash == std::string::npos ? url : url.substr(slash + 1);
}

}  // namespace

std::optional<FoundFilter> readFound(const FilterDiscovery& discovery, const std::string& name,
                                     const Any& config, const Where& at,
                                     const BuildContext& context, const StatScope& scope) {
  const std::string type_name = context.type_of(config);
  const FilterType* type = context.registry.findByConfig(type_name);
  if (std::find(discovery.types.begin(), discovery.types.end(), type) == discovery.types.end()) {
    at.error("'" + type_name + "' is not one of the type_urls that the filter's " +
             "config_discovery names");
    return std::nullopt;
  }
  FoundFilter found;
  FilterBuild build(context, found.background, at, scope);
  auto plan = type->plan(config, build);
  if (!plan) {
    build.tell(plan.error());
    return std::nullopt;
  }
  found.slot = {type, *std::move(plan), name};
  return found;
}

std::optional<ConfiguredFilter> readDiscovered(
    const envoy::config::core::v3::ExtensionConfigSource& proto, const std::string& name,
    BackgroundList& background, const Where& at, const BuildContext& context,
    const StatScope& scope) {
  const size_t errors_before = at.report().errors();
  auto discovery = std::make_shared<FilterDiscovery>();
  discovery->source = proto.config_source();
  discovery->waits = !proto.apply_default_config_without_warming();
  const Where types = at.field("type_urls");
  if (proto.type_urls().empty()) types.error("expected the types that the filter may have");
  for (int i = 0; i < proto.type_urls_size(); ++i) {
    const FilterType* type = context.registry.findByConfig(afterSlash(proto.type_urls(i)));
    if (type == nullptr || type->terminal) {
      types.index(static_cast<size_t>(i))
          .error("no filter is configured by '" + proto.type_urls(i) + "'");
    }
    discovery->types.push_back(type);
  }
  const Where source = at.field("config_source");
  context.check_source ? context.check_source(discovery->source, Fetched::Filters, source)
                       : source.error("there is nothing to ask for filters here");
  if (!discovery->waits && !proto.has_default_config()) {
    at.field("apply_default_config_without_warming").error("needs a default_config");
  }
  ConfiguredFilter filter{missingSlot(name)};
  if (proto.has_default_config() && at.report().errors() == errors_before) {
    auto found = readFound(*discovery, name, proto.default_config(), at.field("default_config"),
                           context, scope);
    if (found) {
      filter.slot = std::move(found->slot);
      background.insert(background.end(), found->background.begin(), found->background.end());
    }
  }
  if (at.report().errors() != errors_before) return std::nullopt;
  filter.discovery = std::move(discovery);
  return filter;
}

bool isMissing(const ChainSlot& slot) { return slot.type == &missingType(); }

std::shared_ptr<const HcmPlan> withFilters(const HcmPlan& plan,
                                           const std::map<size_t, FoundFilter>& found,
                                           const Where& at, const BuildContext& context) {
  const size_t errors_before = at.report().errors();
  auto next = std::make_shared<HcmPlan>(plan);
  next->background.resize(plan.own_background);
  for (const auto& [place, filter] : found) {
    next->filters[place].slot = filter.slot;
    next->background.insert(next->background.end(), filter.background.begin(),
                            filter.background.end());
  }
  buildChains(*next, at, context);
  if (at.report().errors() != errors_before) return nullptr;
  if (plan.scopes == nullptr) return next;
  // Scopes share plans. One whose routes do not suit has its filters as they were configured.
  std::unordered_map<std::string, std::shared_ptr<const HcmPlan>> by_key;
  std::map<const HcmPlan*, std::shared_ptr<const HcmPlan>> made;
  for (const auto& [key, scope] : plan.scopes->by_key) {
    auto& its = made[scope.get()];
    if (its == nullptr) its = withFilters(*scope, found, at, context);
    if (its == nullptr) its = scope;
    by_key[key] = its;
  }
  return withScopes(*next, std::move(by_key));
}

}  // namespace weir::stream
