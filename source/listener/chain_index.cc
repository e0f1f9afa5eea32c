#include "source/listener/chain_index.h"

#include <algorithm>

namespace weir::listener {
namespace {

template <typename Map, typename Key>
auto* lookUp(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

// Calls `add` with the node of each range; without ranges, with the one for all.
template <typename Nodes, typename Add>
void eachRange(Nodes& nodes, const IpRanges& ranges, Add add) {
  if (ranges.empty()) add(nodes.any());
  for (const IpRanges::Range& range : ranges.all()) add(nodes.at(range));
}

template <typename Nodes, typename Add>
void eachName(Nodes& nodes, const std::vector<std::string>& names, Add add) {
  if (names.empty()) add(nodes[""]);
  for (const std::string& name : names) add(nodes[name]);
}

bool isSameIpOrLoopback(const MatchFacts& facts) {
  const auto remote = ipOf(facts.remote);
  return !remote || remote->isLoopback() || remote == ipOf(facts.local);
}

}  // namespace

template <typename Next>
Next& ChainIndex::Prefixes<Next>::at(const IpRanges::Range& range) {
  auto& lengths = bits_[range.address.isV4()];
  const auto place = std::lower_bound(lengths.begin(), lengths.end(), range.bits, std::greater<>());
  if (place == lengths.end() || *place != range.bits) lengths.insert(place, range.bits);
  return entries_[{range.bits, range.address.masked(range.bits)}];
}

template <typename Next>
const Next* ChainIndex::Prefixes<Next>::find(const std::optional<IpAddress>& address) const {
  if (address) {
    for (const uint32_t bits : bits_[address->isV4()]) {
      if (const Next* next = lookUp(entries_, std::pair(bits, address->masked(bits)))) return next;
    }
  }
  return any_.get();
}

size_t ChainIndex::combinations(const ChainCriteria& criteria) {
  size_t product = 1;
  for (const size_t size :
       {criteria.destinations.all().size(), criteria.server_names.size(),
        criteria.application_protocols.size(), criteria.direct_sources.all().size(),
        criteria.sources.all().size(), criteria.source_ports.size()}) {
    if (product <= kMaxCombinations) product *= std::max<size_t>(size, 1);
  }
  return product;
}

uint32_t ChainIndex::add(const ChainCriteria& criteria, uint32_t chain) {
  Addition addition{criteria, chain};
  eachRange(ports_[criteria.destination_port.value_or(0)], criteria.destinations,
            [&](ServerNames& names) { addNames(names, addition); });
  return addition.taken_by;
}

void ChainIndex::addNames(ServerNames& names, Addition& addition) {
  const ChainCriteria& criteria = addition.criteria;
  eachName(names, criteria.server_names, [&](Transports& transports) {
    addAlpns(transports[criteria.transport_protocol], addition);
  });
}

void ChainIndex::addAlpns(Alpns& alpns, Addition& addition) {
  eachName(alpns, addition.criteria.application_protocols, [&](DirectSources& sources) {
    eachRange(sources, addition.criteria.direct_sources,
              [&](SourceTypes& types) { addSources(types, addition); });
  });
}

void ChainIndex::addSources(SourceTypes& types, Addition& addition) {
  auto& sources = types[static_cast<size_t>(addition.criteria.source_type)];
  if (sources == nullptr) sources = std::make_unique<Sources>();
  const auto take = [&](SourcePorts& ports, uint16_t port) {
    const auto [entry, added] = ports.emplace(port, addition.chain);
    if (!added && addition.taken_by == kNone) addition.taken_by = entry->second;
  };
  eachRange(*sources, addition.criteria.sources, [&](SourcePorts& ports) {
    if (addition.criteria.source_ports.empty()) take(ports, 0);
    for (const uint16_t port : addition.criteria.source_ports) take(ports, port);
  });
}

uint32_t ChainIndex::find(const MatchFacts& facts) const {
  const Destinations* destinations = lookUp(ports_, facts.local.port());
  if (destinations == nullptr) destinations = lookUp(ports_, uint16_t{0});
  if (destinations == nullptr) return kNone;
  const ServerNames* names = destinations->find(ipOf(facts.local));
  const Transports* transports = names == nullptr ? nullptr : findName(*names, facts.server_name);
  if (transports == nullptr) return kNone;
  const Alpns* alpns = lookUp(*transports, facts.transport_protocol);
  if (alpns == nullptr) alpns = lookUp(*transports, std::string_view());
  if (alpns == nullptr) return kNone;
  const DirectSources* direct = findAlpn(*alpns, facts.application_protocols);
  const SourceTypes* types = direct == nullptr ? nullptr : direct->find(ipOf(facts.direct_remote));
  return types == nullptr ? kNone : findSource(*types, facts);
}

// "www.example.com", then ".example.com", then ".com", then any name.
const ChainIndex::Transports* ChainIndex::findName(const ServerNames& names,
                                                   std::string_view name) {
  if (!name.empty()) {
    const Transports* exact = name.front() == '.' ? nullptr : lookUp(names, name);
    if (exact != nullptr) return exact;
    for (size_t dot = name.find('.', 1); dot < name.size() - 1; dot = name.find('.', dot + 1)) {
      if (const Transports* wildcard = lookUp(names, name.substr(dot))) return wildcard;
    }
  }
  return lookUp(names, std::string_view());
}

const ChainIndex::DirectSources* ChainIndex::findAlpn(const Alpns& alpns,
                                                      std::span<const std::string> offered) {
  for (const std::string& name : offered) {
    if (const DirectSources* found = lookUp(alpns, name)) return found;
  }
  return lookUp(alpns, std::string_view());
}

uint32_t ChainIndex::findSource(const SourceTypes& types, const MatchFacts& facts) {
  const Sources* sources = types[static_cast<size_t>(SourceType::Any)].get();
  const auto& near = types[static_cast<size_t>(SourceType::SameIpOrLoopback)];
  const auto& far = types[static_cast<size_t>(SourceType::External)];
  if (near != nullptr || far != nullptr) {
    const auto& typed = isSameIpOrLoopback(facts) ? near : far;
    if (typed != nullptr) sources = typed.get();
  }
  if (sources == nullptr) return kNone;
  const SourcePorts* ports = sources->find(ipOf(facts.remote));
  if (ports == nullptr) return kNone;
  const uint32_t* chain = lookUp(*ports, facts.remote.port());
  if (chain == nullptr) chain = lookUp(*ports, uint16_t{0});
  return chain == nullptr ? kNone : *chain;
}

}  // namespace weir::listener
