#include "source/net/dns_answer.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace weir::net {
namespace {

using std::chrono::seconds;

DnsError errorOf(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return DnsError::None;
    case ARES_ENOTFOUND:
      return DnsError::NotFound;
    case ARES_ENODATA:
      return DnsError::NoData;
    case ARES_ETIMEOUT:
      return DnsError::Timeout;
    case ARES_EBADNAME:
      return DnsError::BadName;
    default:
      return DnsError::Server;
  }
}

// How much an error leaves open.
int doubt(DnsError error) {
  switch (error) {
    case DnsError::None:
      return 0;
    case DnsError::NotFound:
      return 1;
    case DnsError::NoData:
      return 2;
    case DnsError::BadName:
      return 3;
    case DnsError::Server:
      return 4;
    case DnsError::Timeout:
      return 5;
  }
  return 0;
}

}  // namespace

std::optional<DnsAnswer> literalAnswer(std::string_view name, AddressFamily family) {
  auto address = Address::ip(name, 0);
  if (!address) return std::nullopt;
  const int unwanted = family == AddressFamily::V4Only   ? AF_INET6
                       : family == AddressFamily::V6Only ? AF_INET
                                                         : AF_UNSPEC;
  DnsAnswer answer;
  if (address->family() == unwanted) {
    answer.error = DnsError::NoData;
  } else {
    answer.addresses.push_back({*std::move(address), seconds::max()});
  }
  return answer;
}

DnsAnswer readAnswer(int status, const ares_addrinfo* info) {
  DnsAnswer answer;
  answer.error = errorOf(status);
  if (!answer.ok() || info == nullptr) return answer;
  // An address lives no longer than the alias that led to it.
  int alias_ttl = INT32_MAX;
  for (const auto* alias = info->cnames; alias != nullptr; alias = alias->next) {
    if (alias->alias != nullptr) alias_ttl = std::min(alias_ttl, alias->ttl);
  }
  for (const auto* node = info->nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    Address address = Address::from(node->ai_addr, node->ai_addrlen);
    address.setPort(0);
    const bool seen = std::any_of(answer.addresses.begin(), answer.addresses.end(),
                                  [&](const DnsAddress& had) { return had.address == address; });
    if (seen) continue;
    const int ttl = std::max(0, std::min(node->ai_ttl, alias_ttl));
    answer.addresses.push_back({std::move(address), seconds(ttl)});
  }
  if (answer.addresses.empty()) answer.error = DnsError::NoData;
  return answer;
}

void mergeAnswer(DnsAnswer& into, DnsAnswer from) {
  const bool first = !from.addresses.empty() && from.addresses.front().address.family() == AF_INET;
  into.addresses.insert(first ? into.addresses.begin() : into.addresses.end(),
                        std::make_move_iterator(from.addresses.begin()),
                        std::make_move_iterator(from.addresses.end()));
  if (!into.addresses.empty()) {
    into.error = DnsError::None;
  } else if (doubt(from.error) > doubt(into.error)) {
    into.error = from.error;
  }
}

void dropUnroutable(DnsAnswer& answer) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return;
  bool v4 = false, v6 = false;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    const bool up = (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
    if (!up || each->ifa_addr == nullptr) continue;
    v4 |= each->ifa_addr->sa_family == AF_INET;
    v6 |= each->ifa_addr->sa_family == AF_INET6;
  }
  ::freeifaddrs(list);
  std::erase_if(answer.addresses, [&](const DnsAddress& each) {
    return !each.address.isLoopback() && !(each.address.family() == AF_INET ? v4 : v6);
  });
  if (answer.ok() && answer.addresses.empty()) answer.error = DnsError::NoData;
}

}  // namespace weir::net
