#include "source/router/path_index.h"

#include "weir/string_matcher.h"

namespace weir::router {
namespace {

constexpr std::string_view kSpecial = ".[]()*+?{}|^$\\";

// Whether the pattern has an alternative outside of any group, which makes each of its sides a
// whole expression. Groups and classes are not told apart with care: a false "yes" only costs
// speed.
bool mayAlternate(std::string_view pattern) {
  int depth = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    switch (pattern[i]) {
      case '\\':
        ++i;
        break;
      case '[':
        return pattern.find('|', i) != std::string_view::npos;
      case '(':
        ++depth;
        break;
      case ')':
        --depth;
        break;
      case '|':
        if (depth == 0) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

}  // namespace

std::string literalPrefix(std::string_view pattern) {
  // \Q…\E turns every rule below off.
  if (mayAlternate(pattern) || pattern.find("\\Q") != std::string_view::npos) return {};
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  std::string out;
  size_t at = 0;
  while (at < pattern.size()) {
    char c = pattern[at];
    size_t next = at + 1;
    if (c == '\\' && next < pattern.size() &&
        (kSpecial.find(pattern[next]) != std::string_view::npos || pattern[next] == '/' ||
         pattern[next] == '-')) {
      c = pattern[next++];
    } else if (kSpecial.find(c) != std::string_view::npos ||
               static_cast<unsigned char>(c) >= 0x80) {
      break;
    }
    const char after = next < pattern.size() ? pattern[next] : '\0';
    if (after == '*' || after == '?' || after == '{' || after == '+') break;
    out.push_back(c);
    at = next;
  }
  return out;
}

std::string_view lowerInto(std::string_view text, std::string& buffer) {
  buffer = asciiLower(text);
  return buffer;
}

void PathIndex::Group::add(std::string_view key, uint32_t order) {
  const uint32_t id = keys.insert(key);
  if (id == orders.size()) {
    orders.push_back({order});
    return;
  }
  Orders& known = orders[id];
  if (known.all == UINT32_MAX) {
    known.all = static_cast<uint32_t>(lists.size());
    lists.push_back({known.first});
  }
  lists[known.all].push_back(order);
}

void PathIndex::addExact(std::string_view path, bool case_sensitive, uint32_t order) {
  if (case_sensitive) {
    sensitive_.exact.add(path, order);
  } else {
    insensitive_.exact.add(asciiLower(path), order);
  }
}

void PathIndex::addPrefix(std::string_view prefix, bool case_sensitive, uint32_t order) {
  if (case_sensitive) {
    sensitive_.prefix.add(prefix, order);
  } else {
    insensitive_.prefix.add(asciiLower(prefix), order);
  }
}

void PathIndex::addRegex(std::string_view pattern, uint32_t order) {
  sensitive_.prefix.add(literalPrefix(pattern), order);
}

}  // namespace weir::router
