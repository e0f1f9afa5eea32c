// Hop-by-hop fields belong to one connection and are taken out before a message goes to the next
// (RFC 9110 §7.6.1). Shared by HTTP/1 and HTTP/2. Call it when a head has been read, before any
// filter adds fields, so that a peer cannot have those removed. A few instructions when there are
// none.
#pragma once

#include "source/codec/http1/parse_error.h"
#include "weir/fields.h"

namespace weir::codec {

enum class UpgradeField : bool { Strip, Keep };

// Removes Connection and the fields it lists, Keep-Alive, Proxy-Connection, Transfer-Encoding, TE
// but "trailers", and Upgrade unless it is to be kept for a protocol switch. A Connection that
// lists a field on which framing, routing or the client's identity rest (content-length, host,
// forwarded, x-forwarded-*, …) is refused, as in Envoy: removing those is an attack, never a need.
ParseError stripHopByHop(Fields& fields, MessageType type,
                         UpgradeField upgrade = UpgradeField::Strip);

}  // namespace weir::codec
