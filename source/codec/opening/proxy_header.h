// A ProxyHeader is what a proxy in front says of a connection before the connection's own first
// byte: the PROXY protocol, version 1 (text) and 2 (binary, with TLVs). parseProxyHeader() reads
// one, appendProxyHeader() writes one. Pure; no allocation but for what is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::codec {

enum class ProxyFamily : uint8_t { Unspecified, V4, V6, Unix };

// One end of the connection: an IP (of IPv4 the first four bytes) and a port, or a path.
struct ProxyEnd {
  std::array<uint8_t, 16> ip{};
  uint16_t port = 0;
  std::string_view path;  // as it travels: an abstract name begins with a zero byte
};

struct ProxyHeader {
  uint8_t version = 1;
  // The proxy speaks for itself (LOCAL), or does not know: the socket's own addresses hold.
  bool local = false;
  ProxyFamily family = ProxyFamily::Unspecified;
  ProxyEnd source, destination;
  std::string_view tlvs;  // of version 2, well formed: one after the other
};

struct ProxyParse {
  enum class Kind : uint8_t { NeedMore, Found, NotProxy, Bad };
  Kind kind = Kind::NeedMore;
  size_t size = 0;       // Found: bytes of the header
  uint8_t version = 0;   // Found, Bad, and NeedMore when the signature is complete; else 0
  std::string_view why;  // Bad: static text
  ProxyHeader header;    // Found; views into the bytes
};

// `bytes`: everything received, from the connection's first byte. NotProxy: neither signature.
ProxyParse parseProxyHeader(std::string_view bytes);

struct ProxyTlv {
  uint8_t type = 0;
  std::string_view value;
};
// Takes the first TLV off; `tlvs` is well formed and not empty.
ProxyTlv takeProxyTlv(std::string_view& tlvs);
void appendProxyTlv(std::string& tlvs, uint8_t type, std::string_view value);

// Writes the header in its version; version 1 has no word for unix sockets nor TLVs and says
// UNKNOWN, resp. leaves them out. At most 64 KB of TLVs.
void appendProxyHeader(std::string& to, const ProxyHeader& header);

}  // namespace weir::codec
