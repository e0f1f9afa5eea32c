#include "source/admin/browser_guard.h"

#include "source/net/address.h"
#include "weir/string_matcher.h"

namespace weir::admin {
namespace {

std::string_view withoutPort(std::string_view host) {
  const size_t bracket = host.find(']');
  if (host.starts_with('[') && bracket != host.npos) return host.substr(0, bracket + 1);
  return host.substr(0, host.find(':'));
}

// Names that nobody can make resolve to a loopback address: they do so already.
bool isOwnName(std::string_view host) {
  const std::string name = asciiLower(withoutPort(host));
  return name.empty() || name == "localhost" || name.ends_with(".localhost") ||
         static_cast<bool>(net::Address::ip(name, 0));
}

// Only reading methods do without: browsers send Origin with all others.
bool mayWrite(std::string_view method) { return method != "GET" && method != "HEAD"; }

}  // namespace

std::optional<Response> refuseForeignPage(const Provenance& request) {
  if (request.to_loopback && !isOwnName(request.host)) {
    return refused(403,
                   "the admin interface on a loopback address answers to IP addresses and to "
                   "localhost only\n");
  }
  if (!mayWrite(request.method) || !request.origin) return std::nullopt;
  std::string_view origin = *request.origin;
  const size_t scheme = origin.find("://");
  origin.remove_prefix(scheme == origin.npos ? origin.size() : scheme + 3);
  if (!origin.empty() && equalsIgnoreCase(origin, request.host)) return std::nullopt;
  return refused(403, "a page of another site may not use the admin interface\n");
}

}  // namespace weir::admin
