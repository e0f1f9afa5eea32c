// Which HTTP version a downstream connection speaks: what the configuration allows, else what TLS
// agreed on, else how its first bytes begin.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/transport/connection.h"
#include "source/transport/server_connection.h"

namespace weir::stream {

class Hcm;
struct Services;

enum class CodecType : uint8_t { Auto, Http1, Http2 };  // HttpConnectionManager.codec_type

enum class CodecChoice : uint8_t { Http1, Http2, MoreBytes };

// `alpn` is what TLS agreed on: empty without TLS, or when the client offered nothing. `first` is
// how the connection begins, as far as it is known. MoreBytes: an HTTP/2 preface (RFC 9113 §3.4)
// may still become of it. A client that says nothing in TLS is believed its first bytes, as in
// Envoy.
CodecChoice chooseCodec(CodecType type, std::string_view alpn, std::string_view first);

// Serves an open connection: the caller adds the result to its list, and may hear of another in its
// place as soon as bytes come.
transport::ServerConnection& serveHttp(Services& services, std::shared_ptr<const Hcm> hcm,
                                       transport::ServerConnections& connections,
                                       transport::ConnectionPtr connection,
                                       const transport::Accepted& accepted, std::string_view alpn);

}  // namespace weir::stream
