// Which address a request came from, read from x-forwarded-for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/ip_range.h"

namespace weir::stream {

// An address found in x-forwarded-for.
struct XffAddress {
  std::optional<IpAddress> address;  // none: the header says nothing to be trusted
  bool single = false;               // nobody else is named in the header
};

// The last address of `xff` after leaving out `skip` from its end.
XffAddress lastAddress(std::string_view xff, uint32_t skip);
// The last address that is not a trusted proxy's; the first one when all are.
XffAddress lastUntrusted(std::string_view xff, const IpRanges& trusted);

}  // namespace weir::stream
