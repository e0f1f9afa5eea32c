#include "source/router/domains.h"

#include <array>

#include "weir/string_matcher.h"

namespace weir::router {

uint32_t Domains::Group::add(std::string_view key, uint32_t host) {
  const uint32_t id = keys.insert(key);
  if (id < hosts.size()) return hosts[id];
  hosts.push_back(host);
  return kNone;
}

uint32_t Domains::Group::find(std::string_view key) const {
  const uint32_t id = keys.find(key);
  return id == KeyTable::kNone ? kNone : hosts[id];
}

uint32_t Domains::add(std::string_view domain, uint32_t host) {
  const std::string lower = asciiLower(domain);
  const std::string_view view = lower;
  if (view == "*") {
    if (any_ != kNone) return any_;
    any_ = host;
    return kNone;
  }
  if (view.starts_with('*')) return suffixes_.add(view.substr(1), host);
  if (view.ends_with('*')) return prefixes_.add(view.substr(0, view.size() - 1), host);
  return exact_.add(view, host);
}

uint32_t Domains::find(std::string_view host) const {
  if (exact_.keys.empty() && suffixes_.keys.empty() && prefixes_.keys.empty()) return any_;
  std::array<char, 256> buffer;  // longer than any DNS name with its port
  if (host.size() > buffer.size()) return findLower(asciiLower(host));
  for (size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    buffer[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return findLower({buffer.data(), host.size()});
}

uint32_t Domains::findLower(std::string_view host) const {
  if (const uint32_t found = exact_.find(host); found != kNone) return found;
  const auto& suffix_lengths = suffixes_.keys.lengths();
  for (auto length = suffix_lengths.rbegin(); length != suffix_lengths.rend(); ++length) {
    if (*length >= host.size()) continue;  // "*.foo.com" is not ".foo.com"
    const uint32_t found = suffixes_.find(host.substr(host.size() - *length));
    if (found != kNone) return found;
  }
  const auto& prefix_lengths = prefixes_.keys.lengths();
  for (auto length = prefix_lengths.rbegin(); length != prefix_lengths.rend(); ++length) {
    if (*length >= host.size()) continue;
    const uint32_t found = prefixes_.find(host.substr(0, *length));
    if (found != kNone) return found;
  }
  return any_;
}

std::string_view withoutPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  const size_t bracket = host.rfind(']');
  if (bracket != std::string_view::npos && bracket > colon) return host;
  return host.substr(0, colon);
}

}  // namespace weir::router
