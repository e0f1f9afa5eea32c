// An IpAddress is one IPv4 or IPv6 address, without port; parsed strictly, as Envoy does (no port,
// no brackets, no zone). IpRanges says what belongs to a set of CIDR ranges. Pure values; nothing
// allocates on the data path.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/arena.h"
#include "weir/result.h"

namespace envoy::config::core::v3 {
class CidrRange;
}

namespace weir {

class IpAddress {
 public:
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress of(const in_addr& v4);
  static IpAddress of(const in6_addr& v6);

  bool isV4() const { return v4_; }
  // What Envoy calls loopback: 127.0.0.1 and ::1, not the rest of 127/8.
  bool isLoopback() const;
  // Canonical text (RFC 5952), in the arena.
  std::string_view text(Arena& arena) const;
  // "::ffff:1.2.3.4" for an IPv4 address, else text().
  std::string_view mappedText(Arena& arena) const;

  // The first `bits` bits are those of `other`, which is of the same family.
  bool sharesPrefix(const IpAddress& other, uint32_t bits) const;
  // The same with all but the first `bits` bits cleared.
  IpAddress masked(uint32_t bits) const;
  // In network order; of IPv4 the first four.
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};  // IPv4: the first four
  bool v4_ = false;
};

class IpRanges {
 public:
  using Proto = envoy::config::core::v3::CidrRange;

  // Error::field is below `field` ("cidr_ranges[2].address_prefix").
  template <typename Repeated>
  static Result<IpRanges> from(const Repeated& protos, std::string_view field) {
    IpRanges ranges;
    for (int i = 0; i < protos.size(); ++i) {
      if (auto error = ranges.add(protos[i])) {
        error->field = std::string(field) + '[' + std::to_string(i) + "]." + error->field;
        return *std::move(error);
      }
    }
    return ranges;
  }

  struct Range {
    IpAddress address;
    uint32_t bits = 0;
  };

  bool contains(const IpAddress& address) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& all() const { return ranges_; }

 private:
  std::optional<Error> add(const Proto& proto);

  std::vector<Range> ranges_;
};

}  // namespace weir
