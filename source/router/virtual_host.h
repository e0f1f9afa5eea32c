// A VirtualHost is the routes of some domains, and an index that finds the first that matches.
// Immutable once built; owned by its RouteTable and shared by every worker.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/router/field_path.h"
#include "source/router/path_index.h"
#include "source/router/route.h"

namespace weir::router {

// The last routes that were looked at and did not match, for a decision record. Routes the index
// ruled out by their path are not among them.
class Candidates {
 public:
  static constexpr uint32_t kKept = 8;
  struct Entry {
    uint32_t order;
    Rejection why;
  };

  void note(uint32_t order, Rejection why) { entries_[seen_++ % kKept] = {order, why}; }
  // All that were looked at; the last kKept of them are kept.
  uint32_t seen() const { return seen_; }
  uint32_t size() const { return seen_ < kKept ? seen_ : kKept; }
  // Oldest first.
  Entry at(uint32_t i) const { return entries_[(seen_ < kKept ? i : seen_ + i) % kKept]; }

 private:
  std::array<Entry, kKept> entries_{};
  uint32_t seen_ = 0;
};

// What the routes of one table share while they are built.
struct HostBuild {
  uint32_t next_route_id = 0;
  uint64_t body_limit = 4096;  // of direct responses
  ClusterCheck check = ClusterCheck::None;
  bool ignore_path_parameters = false;
};

struct VirtualHost {
  enum class RequireTls : uint8_t { No, External, All };

  VirtualHost() = default;
  VirtualHost(const VirtualHost&) = delete;  // routes point to it
  VirtualHost& operator=(const VirtualHost&) = delete;

  // Reads everything but the domains.
  void read(const envoy::config::route::v3::VirtualHost& proto, HostBuild& build,
            const FieldPath& path, Report& report);

  // The first route that matches; null when there is none. `trace` may be null.
  const Route* find(const Query& query, Candidates* trace) const;
  // The request must be sent away to https, whatever its path.
  bool wantsTls(const Query& query) const;

  std::string name;
  std::vector<Route> routes;  // by order
  HeaderLevel headers;
  LevelConfig config;
  const HeaderLevel* table_headers = nullptr;
  bool most_specific_wins = false;
  RequireTls require_tls = RequireTls::No;
  bool ignore_path_parameters = false;
  bool count_attempts_in_request = false;   // x-envoy-attempt-count to the cluster
  bool count_attempts_in_response = false;  // … and to the client
  bool mark_timeout_retries = false;        // x-envoy-is-timeout-retry
  BodyLimit body_limit;

 private:
  void addRoute(const envoy::config::route::v3::Route& proto,
                const std::shared_ptr<const RetryPolicy>& retry, HostBuild& build,
                const FieldPath& path, Report& report);

  PathIndex index_;
  std::vector<uint32_t> unindexed_;  // orders of routes without a path
};

}  // namespace weir::router
