#include "source/listener/chain_criteria.h"

#include <limits>

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "weir/string_matcher.h"

namespace weir::listener {
namespace {

using Proto = envoy::config::listener::v3::FilterChainMatch;

template <typename Repeated>
void readRanges(const Repeated& protos, std::string_view field, const Where& at, IpRanges& into) {
  auto ranges = IpRanges::from(protos, field);
  if (ranges) {
    into = *std::move(ranges);
  } else {
    at.field(ranges.error().field).error(ranges.error().text);
  }
}

bool isPort(uint32_t port) { return port >= 1 && port <= std::numeric_limits<uint16_t>::max(); }

void readPorts(const Proto& proto, const Where& at, ChainCriteria& criteria) {
  if (proto.has_destination_port()) {
    if (!isPort(proto.destination_port().value()))
      at.field("destination_port").error("expected 1 to 65535");
    criteria.destination_port = static_cast<uint16_t>(proto.destination_port().value());
  }
  for (int i = 0; i < proto.source_ports_size(); ++i) {
    if (!isPort(proto.source_ports(i))) {
      at.field("source_ports").index(static_cast<size_t>(i)).error("expected 1 to 65535");
    }
    criteria.source_ports.push_back(static_cast<uint16_t>(proto.source_ports(i)));
  }
}

void readNames(const Proto& proto, const Where& at, ChainCriteria& criteria) {
  for (int i = 0; i < proto.server_names_size(); ++i) {
    std::string name = asciiLower(proto.server_names(i));
    const Where here = at.field("server_names").index(static_cast<size_t>(i));
    const bool wildcard = name.starts_with("*.") && name.size() > 2;
    if (wildcard) name.erase(0, 1);
    if (name.empty()) {
      here.error("expected a name, found nothing");
    } else if (name.find('*') != std::string::npos) {
      here.error("'" + proto.server_names(i) +
                 "': a wildcard stands for whole labels in front, as in *.example.com; leave "
                 "server_names out to match any name");
    }
    criteria.server_names.push_back(std::move(name));
  }
}

}  // namespace

std::optional<IpAddress> ipOf(const net::Address& address) {
  if (address.family() == AF_INET) {
    return IpAddress::of(reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr);
  }
  if (address.family() == AF_INET6) {
    return IpAddress::of(reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr);
  }
  return std::nullopt;
}

ChainCriteria ChainCriteria::from(const Proto& proto, const Where& at) {
  ChainCriteria criteria;
  for (const auto& [set, name] : {std::pair(!proto.address_suffix().empty(), "address_suffix"),
                                  std::pair(proto.has_suffix_len(), "suffix_len")}) {
    if (set) at.field(name).error("not supported, as in Envoy; use prefix_ranges");
  }
  readPorts(proto, at, criteria);
  readNames(proto, at, criteria);
  readRanges(proto.prefix_ranges(), "prefix_ranges", at, criteria.destinations);
  readRanges(proto.source_prefix_ranges(), "source_prefix_ranges", at, criteria.sources);
  readRanges(proto.direct_source_prefix_ranges(), "direct_source_prefix_ranges", at,
             criteria.direct_sources);
  criteria.transport_protocol = proto.transport_protocol();
  criteria.application_protocols.assign(proto.application_protocols().begin(),
                                        proto.application_protocols().end());
  switch (proto.source_type()) {
    case Proto::SAME_IP_OR_LOOPBACK:
      criteria.source_type = SourceType::SameIpOrLoopback;
      break;
    case Proto::EXTERNAL:
      criteria.source_type = SourceType::External;
      break;
    default:
      break;
  }
  return criteria;
}

}  // namespace weir::listener
