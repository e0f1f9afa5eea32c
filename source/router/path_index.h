// A PathIndex lists, for a request's path, the routes whose path condition may hold, so that a
// table of 100,000 routes costs what one costs. It keeps four groups, each from a key to the
// ascending order numbers of the routes that have it: exact paths and path prefixes, each with and
// without regard to case. Routes with a regular expression stand under the literal text their
// expression must start with; those without such text stand under the empty prefix.
//
// Envoy takes the first route in order that matches. The caller gets the same by visiting every
// list up to the best order found so far: visit() passes the lists, the caller keeps the minimum.
//
// Immutable once built; every worker may read it at the same time. Costs one hash a distinct prefix
// length, most of them answered by a bit filter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/router/key_table.h"

namespace weir::router {

class PathIndex {
 public:
  // Routes are added in ascending order.
  void addExact(std::string_view path, bool case_sensitive, uint32_t order);
  void addPrefix(std::string_view prefix, bool case_sensitive, uint32_t order);
  void addRegex(std::string_view pattern, uint32_t order);

  // Calls visit(std::span<const uint32_t> orders) for each list that may hold a
  // route for `path` (without query). The members of a prefix list include expressions, of which
  // only the beginning is known to hold.
  template <typename Visit>
  void visit(std::string_view path, Visit visit) const;

 private:
  // Most keys have one route, so the first order stands where the key's id leads.
  struct Orders {
    uint32_t first;
    uint32_t all = UINT32_MAX;  // index into Group::lists, when there are several
  };
  struct Group {
    KeyTable keys;
    std::vector<Orders> orders;  // by key id
    std::vector<std::vector<uint32_t>> lists;
    void add(std::string_view key, uint32_t order);
    std::span<const uint32_t> of(uint32_t id) const {
      const Orders& found = orders[id];
      if (found.all == UINT32_MAX) return {&found.first, 1};
      return lists[found.all];
    }
  };
  struct Case {
    Group exact;
    Group prefix;
    bool empty() const { return exact.keys.empty() && prefix.keys.empty(); }
  };

  template <typename Visit>
  static void visitCase(const Case& groups, std::string_view path, Visit& visit);

  Case sensitive_;
  Case insensitive_;  // keys in lower case
};

// The text every full match of an RE2 expression starts with, as far as it is plain to see; a
// shorter answer is never wrong.
std::string literalPrefix(std::string_view pattern);

std::string_view lowerInto(std::string_view text, std::string& buffer);

template <typename Visit>
void PathIndex::visitCase(const Case& groups, std::string_view path, Visit& visit) {
  PrefixHash hash(path);
  for (const uint32_t length : groups.prefix.keys.lengths()) {
    if (length > path.size()) break;
    const uint32_t id = groups.prefix.keys.find(path.substr(0, length), hash.at(length));
    if (id != KeyTable::kNone) visit(groups.prefix.of(id));
  }
  if (groups.exact.keys.empty()) return;
  const uint32_t id = groups.exact.keys.find(path, hash.at(path.size()));
  if (id != KeyTable::kNone) visit(groups.exact.of(id));
}

template <typename Visit>
void PathIndex::visit(std::string_view path, Visit visit) const {
  visitCase(sensitive_, path, visit);
  if (insensitive_.empty()) return;
  std::string buffer;
  visitCase(insensitive_, lowerInto(path, buffer), visit);
}

}  // namespace weir::router
