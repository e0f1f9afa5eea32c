// Upgrades say which protocols a client may ask to go on in: upgrade_configs of the
// HttpConnectionManager, and of the route, whose word comes first. `CONNECT` is one of them.
// Immutable; shared by all workers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/stream/chains.h"
#include "weir/string_matcher.h"

namespace weir::stream {

// The answer where it is not allowed. What the client sends behind its request may be no HTTP: the
// connection ends with it.
inline constexpr LocalReply kUpgradeFailed{.status = 403,
                                           .body = {},
                                           .details = "upgrade_failed",
                                           .flag = {},
                                           .fields = nullptr,
                                           .close = true};
// The origin switched without being asked, or before it had the whole request.
inline constexpr LocalReply kUnexpectedUpgrade{.status = 502,
                                               .body = "Bad Gateway",
                                               .details = "unexpected_upgrade",
                                               .flag = ResponseFlag::UpstreamProtocolError,
                                               .fields = nullptr,
                                               .close = false};

// "CONNECT", or the whole `upgrade` field.
std::string_view upgradeType(const RequestHead& head);

// Whether the route ends a CONNECT itself; else the cluster's endpoint is asked.
bool endsConnect(const router::ClusterAction& action);

class Upgrades {
 public:
  struct Entry {
    std::string type;  // compared without regard to case
    bool enabled = true;
    bool has_filters = false;  // else those of http_filters
    std::vector<ConfiguredFilter> filters;
    std::shared_ptr<const Chains> chains;  // of `filters`
  };

  std::vector<Entry>& entries() { return entries_; }
  void add(Entry entry) { entries_.push_back(std::move(entry)); }
  void ignore(StringMatcher types) { ignored_.push_back(std::move(types)); }

  // HTTP/1: the request is one like any other, without its `upgrade` field. Always so of h2c, which
  // would hide what follows from every check that is made here.
  bool ignores(std::string_view type) const;
  // `route` null: none was found.
  bool allows(std::string_view type, const router::Route* route) const;
  // Of an upgrade that is allowed; null: those of http_filters.
  const Chains* chainsOf(std::string_view type) const;
  bool has(std::string_view type) const { return find(type) != nullptr; }

 private:
  const Entry* find(std::string_view type) const;

  std::vector<Entry> entries_;
  std::vector<StringMatcher> ignored_;
};

}  // namespace weir::stream
