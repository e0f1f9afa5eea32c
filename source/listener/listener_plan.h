// A ListenerPlan is one listener's configuration, checked: where it listens and what serves the
// connections. Immutable, shared by all workers.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/listener/chain_index.h"
#include "source/listener/connection_limit.h"
#include "source/listener/listener_filter.h"
#include "source/listener/listener_stats.h"
#include "source/listener/port_predicate.h"
#include "source/listener/socket_options.h"
#include "source/net/address.h"
#include "source/stream/hcm.h"
#include "source/tcp/tcp_proxy_plan.h"
#include "source/transport/tls/tls_plan.h"
#include "weir/network_filter_types.h"

namespace weir::listener {

struct NetworkFilterSlot {
  const NetworkFilterType* type;
  PlanPtr plan;
};

// Network filters, and then what serves the connection: exactly one of `hcm` and `tcp`, or neither
// when the last filter answers every connection.
struct FilterChainPlan {
  std::string name;
  std::vector<NetworkFilterSlot> filters;
  std::shared_ptr<stream::Hcm> hcm;
  std::shared_ptr<const tcp::TcpProxyPlan> tcp;
  std::shared_ptr<transport::TlsServer> tls;            // null: plain
  std::chrono::milliseconds transport_timeout{10'000};  // of the TLS handshake; 0: none
};

using FilterChainPtr = std::shared_ptr<const FilterChainPlan>;

struct ListenerFilterSlot {
  std::shared_ptr<const ListenerFilterPlan> plan;
  PortPredicate disabled;
};

// One socket of a listener that may have several.
struct ListenAddress {
  net::Address address;
  bool ipv4_compat = false;  // a `::` socket takes IPv4 clients, too
  uint32_t unix_mode = 0;
  SocketOptions options;
};

struct ListenerPlan {
  static constexpr std::chrono::milliseconds kFiltersTimeout{15'000};

  ListenerPlan(std::string name, const StatScope& scope) : name(std::move(name)), stats(scope) {}

  // Null: no chain wants the connection, which is closed.
  const FilterChainPtr& chooseChain(const MatchFacts& facts) const {
    const uint32_t found = only_chain ? 0 : index.find(facts);
    return found != ChainIndex::kNone ? chains[found] : default_chain;
  }
  bool holds(const FilterChainPlan* chain) const {
    return chain == default_chain.get() ||
           std::any_of(chains.begin(), chains.end(),
                       [chain](const FilterChainPtr& one) { return one.get() == chain; });
  }
  // Nothing has to be known of a connection before it is served.
  bool isPlain() const {
    return filters.empty() && only_chain && chains[0]->filters.empty() && chains[0]->tls == nullptr;
  }

  std::string name;
  std::string stat_name;                 // "127.0.0.1_80"
  bool inbound = false;                  // traffic_direction: INBOUND
  std::vector<ListenAddress> addresses;  // at least one
  int backlog = 1024;
  bool reuse_port = true;
  bool exact_balance = false;
  int accepts_per_turn = 64;
  size_t buffer_limit = 1 << 20;  // of each connection, both directions
  std::vector<ListenerFilterSlot> filters;
  std::chrono::milliseconds filters_timeout = kFiltersTimeout;  // 0: none
  bool continue_on_timeout = false;
  // A plan that takes another's place shares the chains that did not change: their connections
  // stay.
  std::vector<FilterChainPtr> chains;
  ChainIndex index;         // of `chains`
  bool only_chain = false;  // there is one, and it takes every connection
  FilterChainPtr default_chain;
  RuntimeKey connection_limit;                    // no number: none
  std::shared_ptr<ConnectionLimit> global_limit;  // null: none, or not for this one
  bool bypasses_overload = false;                 // bypass_overload_manager
  ListenerStats stats;
};

}  // namespace weir::listener
