// ProxyHeaderSettings is a cluster's upstream proxy_protocol transport socket: each connection to
// it begins with a PROXY header that says which client it carries. Such a connection serves one
// client. Immutable.
#pragma once

#include <bitset>
#include <memory>
#include <string>

#include "source/codec/opening/proxy_header.h"
#include "source/transport/server_connection.h"
#include "weir/report.h"

namespace envoy::config::core::v3 {
class TransportSocket;
}
namespace envoy::extensions::transport_sockets::proxy_protocol::v3 {
class ProxyProtocolUpstreamTransport;
}

namespace weir::cluster {

struct ProxyHeaderSettings {
  using Proto =
      envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;

  // Reports what is wrong or not supported, but for the inner transport_socket.
  static std::shared_ptr<const ProxyHeaderSettings> from(const Proto& proto, const Where& at);

  // Appends the header for a client's connection.
  void append(std::string& to, const transport::Accepted& client) const;

  uint8_t version = 1;
  std::bitset<256> passed;  // TLVs of the client's own header that are passed on
  std::string added;        // TLVs of every header
};

}  // namespace weir::cluster
