#include <algorithm>
#include <set>

#include "source/cluster/plan_parts.h"
#include "source/cluster/subsets.h"

namespace weir::cluster {
namespace {

using Proto = ClusterProto::LbSubsetConfig;
using SelectorProto = Proto::LbSubsetSelector;
using Fallback = SubsetSettings::Fallback;

template <typename List>
std::vector<std::string> readKeys(const List& keys, const Where& at) {
  std::set<std::string> sorted(keys.begin(), keys.end());
  if (sorted.empty() || sorted.contains("")) at.error("expected names of keys");
  return {sorted.begin(), sorted.end()};
}

Fallback readFallback(Proto::LbSubsetFallbackPolicy policy, const Where& at) {
  switch (policy) {
    case Proto::NO_FALLBACK:
      return Fallback::Nobody;
    case Proto::ANY_ENDPOINT:
      return Fallback::Anybody;
    case Proto::DEFAULT_SUBSET:
      return Fallback::Default;
    default:
      at.error("expected NO_FALLBACK, ANY_ENDPOINT or DEFAULT_SUBSET");
  }
  return Fallback::Nobody;
}

void readFewerKeys(const SelectorProto& proto, SubsetSettings::Selector& selector,
                   const Where& at) {
  const Where here = at.field("fallback_keys_subset");
  selector.fewer_keys = readKeys(proto.fallback_keys_subset(), here);
  if (!std::includes(selector.keys.begin(), selector.keys.end(), selector.fewer_keys.begin(),
                     selector.fewer_keys.end()) ||
      selector.fewer_keys.size() == selector.keys.size()) {
    here.error("expected some of keys, but not all");
  }
}

SubsetSettings::Selector readSelector(const SelectorProto& proto, Fallback of_cluster,
                                      const Where& at) {
  SubsetSettings::Selector selector{
      .keys = readKeys(proto.keys(), at.field("keys")), .fallback = of_cluster, .fewer_keys = {}};
  Unsupported(at).refuse(proto.single_host_per_subset(), "single_host_per_subset",
                         "one endpoint for each subset");
  switch (proto.fallback_policy()) {
    case SelectorProto::NOT_DEFINED:
      break;
    case SelectorProto::NO_FALLBACK:
      selector.fallback = Fallback::Nobody;
      break;
    case SelectorProto::ANY_ENDPOINT:
      selector.fallback = Fallback::Anybody;
      break;
    case SelectorProto::DEFAULT_SUBSET:
      selector.fallback = Fallback::Default;
      break;
    case SelectorProto::KEYS_SUBSET:
      selector.fallback = Fallback::FewerKeys;
      readFewerKeys(proto, selector, at);
      return selector;
    default:
      at.field("fallback_policy").error("not a fallback policy of a selector");
  }
  if (proto.fallback_keys_subset_size() != 0) {
    at.field("fallback_keys_subset").error("goes with fallback_policy KEYS_SUBSET only");
  }
  return selector;
}

}  // namespace

std::shared_ptr<const SubsetSettings> planSubsets(const Proto& proto, const Where& at) {
  if (proto.subset_selectors().empty()) return nullptr;  // as in Envoy: whatever else it says
  auto made = std::make_shared<SubsetSettings>();
  made->fallback = readFallback(proto.fallback_policy(), at.field("fallback_policy"));
  made->default_subset = criteriaOf(proto.default_subset());
  made->locality_weights = proto.locality_weight_aware();
  made->panic_any = proto.panic_mode_any();
  made->list_as_any = proto.list_as_any();
  std::set<std::vector<std::string>> seen;
  for (int i = 0; i < proto.subset_selectors_size(); ++i) {
    const Where here = at.field("subset_selectors").index(static_cast<size_t>(i));
    made->selectors.push_back(readSelector(proto.subset_selectors(i), made->fallback, here));
    if (!seen.insert(made->selectors.back().keys).second) {
      here.field("keys").error("a selector above has the same");
    }
  }
  const Unsupported unsupported(at);
  unsupported.refuse(proto.scale_locality_weight(), "scale_locality_weight",
                     "scaling the weights of localities");
  unsupported.refuse(proto.metadata_fallback_policy() != Proto::METADATA_NO_FALLBACK,
                     "metadata_fallback_policy", "a list of fallbacks");
  return made;
}

}  // namespace weir::cluster
