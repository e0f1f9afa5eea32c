#include "weir/ip_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "envoy/config/core/v3/address.pb.h"

namespace weir {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char zero_ended[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof zero_ended) return std::nullopt;
  std::memcpy(zero_ended, text.data(), text.size());
  zero_ended[text.size()] = '\0';
  IpAddress address;
  address.v4_ = text.find(':') == std::string_view::npos;
  const int family = address.v4_ ? AF_INET : AF_INET6;
  if (inet_pton(family, zero_ended, address.bytes_.data()) != 1) return std::nullopt;
  return address;
}

IpAddress IpAddress::of(const in_addr& v4) {
  IpAddress address;
  address.v4_ = true;
  std::memcpy(address.bytes_.data(), &v4, sizeof v4);
  return address;
}

IpAddress IpAddress::of(const in6_addr& v6) {
  IpAddress address;
  std::memcpy(address.bytes_.data(), &v6, sizeof v6);
  return address;
}

IpAddress IpAddress::masked(uint32_t bits) const {
  IpAddress address = *this;
  for (uint32_t i = 0; i < address.bytes_.size(); ++i) {
    if (bits >= (i + 1) * 8) continue;
    const uint32_t kept = bits > i * 8 ? bits - i * 8 : 0;
    address.bytes_[i] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return address;
}

bool IpAddress::isLoopback() const {
  constexpr std::array<uint8_t, 16> kV4 = {127, 0, 0, 1};
  constexpr std::array<uint8_t, 16> kV6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == (v4_ ? kV4 : kV6);
}

std::string_view IpAddress::text(Arena& arena) const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return arena.copy(buffer);
}

std::string_view IpAddress::mappedText(Arena& arena) const {
  return v4_ ? arena.concat("::ffff:", text(arena)) : text(arena);
}

bool IpAddress::sharesPrefix(const IpAddress& other, uint32_t bits) const {
  const size_t whole = bits / 8;
  if (std::memcmp(bytes_.data(), other.bytes_.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
  return ((bytes_[whole] ^ other.bytes_[whole]) & mask) == 0;
}

std::optional<Error> IpRanges::add(const Proto& proto) {
  const auto address = IpAddress::parse(proto.address_prefix());
  if (!address) {
    return Error{"address_prefix", "'" + proto.address_prefix() + "' is not an IP address"};
  }
  const uint32_t widest = address->isV4() ? 32 : 128;
  const uint32_t bits = proto.prefix_len().value();
  if (bits > widest) {
    return Error{"prefix_len", std::to_string(bits) + " is more than the " +
                                   std::to_string(widest) + " bits of an address"};
  }
  ranges_.push_back({*address, bits});
  return std::nullopt;
}

bool IpRanges::contains(const IpAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return range.address.isV4() == address.isV4() &&
           range.address.sharesPrefix(address, range.bits);
  });
}

}  // namespace weir
