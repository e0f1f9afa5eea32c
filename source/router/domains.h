// Domains finds the virtual host of a Host header in Envoy's order: the exact domain, the longest
// suffix wildcard ("*.foo.com", "*-bar.foo.com"), the longest prefix wildcard ("foo.*"), then "*".
// ASCII case does not count; a wildcard stands for at least one character; a port is part of the
// domain. Filled on the main thread, then read by every worker. find() is O(distinct wildcard
// lengths), whatever the number of domains.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/router/key_table.h"

namespace weir::router {

class Domains {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The host that has this domain already (the new one is not taken), or kNone. "*" is a domain
  // like others here: the caller words the error.
  uint32_t add(std::string_view domain, uint32_t host);

  // `host` as it came in the request; kNone when nothing matches. An empty host matches only "*".
  uint32_t find(std::string_view host) const;

 private:
  struct Group {
    KeyTable keys;
    std::vector<uint32_t> hosts;  // by key id
    uint32_t add(std::string_view key, uint32_t host);
    uint32_t find(std::string_view key) const;
  };

  uint32_t findLower(std::string_view host) const;

  Group exact_;
  Group suffixes_;  // "*.foo.com" as ".foo.com"
  Group prefixes_;  // "foo.*" as "foo."
  uint32_t any_ = kNone;
};

// The host without ":port"; brackets of an IPv6 address are understood.
std::string_view withoutPort(std::string_view host);

}  // namespace weir::router
