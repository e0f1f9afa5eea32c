// ChainCriteria is what one filter chain asks of its connections: a FilterChainMatch, checked.
// MatchFacts is what is known of a connection when its chain is looked for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/net/address.h"
#include "weir/ip_range.h"
#include "weir/report.h"

namespace envoy::config::listener::v3 {
class FilterChainMatch;
}

namespace weir::listener {

enum class SourceType : uint8_t { Any, SameIpOrLoopback, External };

// Empty lists and texts: anything.
struct ChainCriteria {
  std::optional<uint16_t> destination_port;
  IpRanges destinations;
  std::vector<std::string> server_names;  // lower case; ".example.com" is "*.example.com"
  std::string transport_protocol;
  std::vector<std::string> application_protocols;
  IpRanges direct_sources;
  SourceType source_type = SourceType::Any;
  IpRanges sources;
  std::vector<uint16_t> source_ports;

  // Reports what is wrong or not supported.
  static ChainCriteria from(const envoy::config::listener::v3::FilterChainMatch& proto,
                            const Where& at);
  // Whether it asks what only the ClientHello tells.
  bool needsClientHello() const {
    return transport_protocol == "tls" ||
           (transport_protocol.empty() &&
            (!server_names.empty() || !application_protocols.empty()));
  }
};

struct MatchFacts {
  const net::Address& local;
  const net::Address& remote;         // as a PROXY header tells it
  const net::Address& direct_remote;  // the socket's other end
  std::string_view server_name;       // lower case
  std::string_view transport_protocol = "raw_buffer";
  std::span<const std::string> application_protocols;  // in the client's order
};

// Nothing for unix sockets.
std::optional<IpAddress> ipOf(const net::Address& address);

}  // namespace weir::listener
