// Heads and trailers as the lines of a header block (RFC 9113 §8.2, §8.3). What belongs to one
// HTTP/1 connection is left out (connection and what goes with it, te but "trailers"), a request's
// host is :authority. Nothing written can hold a line end: fields are isFieldValue() by contract of
// Fields. Internal to the codec.
#pragma once

#include "source/codec/http2/hpack.h"
#include "weir/head.h"

namespace weir::codec {

// Whether a field may be written at all.
bool isWritten(const Field& field);
// `upgrade`: as an extended CONNECT for the protocol that its `upgrade` field names (RFC 8441 §4).
void listRequest(const RequestHead& head, bool upgrade, HeaderLines& out);
// `status` in place of the head's. `tunnel`: 2xx to CONNECT, which has no length, like 1xx and 204
// (RFC 9110 §8.6).
void listResponse(const ResponseHead& head, uint16_t status, bool tunnel, HeaderLines& out);
void listTrailers(const Fields& trailers, HeaderLines& out);

}  // namespace weir::codec
