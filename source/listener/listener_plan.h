// A ListenerPlan is one listener's configuration, checked: where it listens and what serves the
// connections. Immutable, shared by all workers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/net/address.h"
#include "source/stream/hcm_plan.h"
#include "weir/stats.h"

namespace weir::listener {

struct ListenerStats {
  explicit ListenerStats(const StatScope& scope)
      : cx_total(scope.counter("downstream_cx_total")),
        cx_destroy(scope.counter("downstream_cx_destroy")),
        cx_overflow(scope.counter("downstream_cx_overflow")),
        accept_failure(scope.counter("downstream_socket_accept_failure")),
        cx_active(scope.gauge("downstream_cx_active")) {}
  Counter cx_total, cx_destroy, cx_overflow, accept_failure;
  Gauge cx_active;
};

// What is known of a connection before a byte of it was read for HTTP: what filter chains match on.
struct ConnectionFacts {
  const net::Address& remote;
  const net::Address& local;
};

struct FilterChainPlan {
  std::string name;
  std::shared_ptr<const stream::HcmPlan> hcm;
};

struct ListenerPlan {
  ListenerPlan(std::string name, const StatScope& scope) : name(std::move(name)), stats(scope) {}

  // Null: no chain wants the connection, which is closed.
  const FilterChainPlan* chooseChain(const ConnectionFacts&) const {
    return chains.empty() ? nullptr : &chains.front();
  }

  std::string name;
  std::string stat_name;  // "127.0.0.1_80"
  bool inbound = false;   // traffic_direction: INBOUND
  net::Address address;
  bool ipv4_compat = false;  // a `::` socket takes IPv4 clients, too
  uint32_t unix_mode = 0;
  int backlog = 1024;
  bool reuse_port = true;
  bool exact_balance = false;
  size_t buffer_limit = 1 << 20;  // of each connection, both directions
  std::vector<FilterChainPlan> chains;
  ListenerStats stats;
};

}  // namespace weir::listener
