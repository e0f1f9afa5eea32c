#include "source/cluster/request_names.h"

#include <algorithm>

namespace weir::cluster {
namespace {

constexpr size_t kLongestName = 253;  // RFC 1035 §2.3.4, as text

std::string_view withoutPort(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == host.npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

}  // namespace

std::string_view RequestNames::of(const RequestHead& head, Arena& arena) const {
  std::string_view host;
  if (field) host = head.fields.get(*field).value_or("");
  if (host.empty()) host = head.authority;
  const std::string_view name = withoutPort(host);
  if (name.empty() || name.size() > kLongestName) return {};
  char* lower = static_cast<char*>(arena.allocate(name.size(), 1));
  std::transform(name.begin(), name.end(), lower, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return {lower, name.size()};
}

}  // namespace weir::cluster
