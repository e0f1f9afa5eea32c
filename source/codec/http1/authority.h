// An authority is the "host[:port]" of a Host field or request-target (RFC 9112 §3.2, RFC 3986
// §3.2): a name, an IPv4 address or a bracketed IPv6 address. Stricter than the RFCs on purpose: no
// userinfo; no ',' (what two joined Host fields look like); no IPvFuture and no zone; a port is at
// most 65535.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::codec {

enum class Port : uint8_t { Optional, Required };

bool isAuthority(std::string_view text, Port port = Port::Optional);

// What stands between the brackets of an IPv6 literal (RFC 3986 §3.2.2).
bool isIpv6(std::string_view text);

}  // namespace weir::codec
