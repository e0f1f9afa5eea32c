// A ChainIndex finds the filter chain of a connection in Envoy's order: destination port,
// destination address, server name, transport protocol, application protocol, directly connected
// source, source type, source address, source port. At each step the most specific entry that fits
// is taken, and what follows is looked for below it alone: there is no way back.
//
// Built on the main thread, then immutable. find() costs a few look-ups in maps however many chains
// there are: about a microsecond for 10,000.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/listener/chain_criteria.h"

namespace weir::listener {

class ChainIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  // Of one chain's criteria; more would cost memory out of all proportion.
  static constexpr size_t kMaxCombinations = 1'000'000;

  // kNone when the chain was added; else the chain above that has one of its combinations, too.
  uint32_t add(const ChainCriteria& criteria, uint32_t chain);
  // kNone: no chain wants the connection.
  uint32_t find(const MatchFacts& facts) const;
  // How many entries a chain would make.
  static size_t combinations(const ChainCriteria& criteria);

 private:
  // By address, the longest prefix first. Unix sockets have none and fit only `any`.
  template <typename Next>
  class Prefixes {
   public:
    Next& any() {
      if (any_ == nullptr) any_ = std::make_unique<Next>();
      return *any_;
    }
    Next& at(const IpRanges::Range& range);
    const Next* find(const std::optional<IpAddress>& address) const;

   private:
    std::map<std::pair<uint32_t, IpAddress>, Next> entries_;
    std::array<std::vector<uint32_t>, 2> bits_;  // of IPv6, IPv4: lengths there are, longest first
    std::unique_ptr<Next> any_;
  };

  // Empty key, or 0: whatever the connection has.
  template <typename Next>
  using Names = std::map<std::string, Next, std::less<>>;
  using SourcePorts = std::map<uint16_t, uint32_t>;
  using Sources = Prefixes<SourcePorts>;
  using SourceTypes = std::array<std::unique_ptr<Sources>, 3>;
  using DirectSources = Prefixes<SourceTypes>;
  using Alpns = Names<DirectSources>;
  using Transports = Names<Alpns>;
  using ServerNames = Names<Transports>;
  using Destinations = Prefixes<ServerNames>;

  struct Addition {
    const ChainCriteria& criteria;
    uint32_t chain;
    uint32_t taken_by = kNone;
  };
  static void addNames(ServerNames& names, Addition& addition);
  static void addAlpns(Alpns& alpns, Addition& addition);
  static void addSources(SourceTypes& types, Addition& addition);

  static const Transports* findName(const ServerNames& names, std::string_view name);
  static const DirectSources* findAlpn(const Alpns& alpns, std::span<const std::string> offered);
  static uint32_t findSource(const SourceTypes& types, const MatchFacts& facts);

  std::map<uint16_t, Destinations> ports_;
};

}  // namespace weir::listener
