#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "source/cluster/proxy_header_settings.h"
#include "source/transport/connection_facts.h"

namespace weir::cluster {
namespace {

using Config = envoy::config::core::v3::ProxyProtocolConfig;

void readTlvs(const Config& config, const Where& at, ProxyHeaderSettings& settings) {
  using PassThrough = envoy::config::core::v3::ProxyProtocolPassThroughTLVs;
  const auto& pass = config.pass_through_tlvs();
  if (config.has_pass_through_tlvs() && pass.match_type() == PassThrough::INCLUDE_ALL) {
    settings.passed.set();
  }
  for (int i = 0; i < pass.tlv_type_size(); ++i) {
    if (pass.tlv_type(i) < settings.passed.size()) {
      settings.passed.set(pass.tlv_type(i));
    } else {
      at.field("pass_through_tlvs")
          .field("tlv_type")
          .index(static_cast<size_t>(i))
          .error("a TLV's type is at most 255");
    }
  }
  for (int i = 0; i < config.added_tlvs_size(); ++i) {
    const auto& tlv = config.added_tlvs(i);
    const Where here = at.field("added_tlvs").index(static_cast<size_t>(i));
    if (tlv.type() > 255) here.field("type").error("a TLV's type is at most 255");
    if (tlv.has_format_string()) here.field("format_string").error("not supported yet; use value");
    if (tlv.value().size() > 0xffff) here.field("value").error("a TLV holds at most 65535 bytes");
    codec::appendProxyTlv(settings.added, static_cast<uint8_t>(tlv.type()), tlv.value());
  }
}

codec::ProxyEnd endOf(const net::Address& address) {
  codec::ProxyEnd end;
  end.port = address.port();
  if (address.family() == AF_INET) {
    std::memcpy(end.ip.data(), &reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr, 4);
  } else {
    std::memcpy(end.ip.data(), &reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr,
                16);
  }
  return end;
}

// Of a connection whose sides have different families, both in IPv6.
void mapToV6(codec::ProxyEnd& end) {
  std::array<uint8_t, 16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  std::copy_n(end.ip.begin(), 4, mapped.begin() + 12);
  end.ip = mapped;
}

}  // namespace

std::shared_ptr<const ProxyHeaderSettings> ProxyHeaderSettings::from(const Proto& proto,
                                                                     const Where& at) {
  auto settings = std::make_shared<ProxyHeaderSettings>();
  settings->version = proto.config().version() == Config::V1 ? 1 : 2;
  readTlvs(proto.config(), at.field("config"), *settings);
  return settings;
}

void ProxyHeaderSettings::append(std::string& to, const transport::Accepted& client) const {
  codec::ProxyHeader header;
  header.version = version;
  if (client.remote.isUnix() || client.local.isUnix()) {
    header.local = true;  // nobody at the other end could make sense of this machine's paths
  } else {
    header.source = endOf(client.remote);
    header.destination = endOf(client.local);
    const bool v4 = client.remote.family() == AF_INET, local_v4 = client.local.family() == AF_INET;
    if (v4 && !local_v4) mapToV6(header.source);
    if (!v4 && local_v4) mapToV6(header.destination);
    header.family = v4 && local_v4 ? codec::ProxyFamily::V4 : codec::ProxyFamily::V6;
  }
  std::string tlvs = added;
  if (client.facts != nullptr) {
    for (std::string_view rest = client.facts->proxy_tlvs; !rest.empty();) {
      const codec::ProxyTlv tlv = codec::takeProxyTlv(rest);
      if (passed.test(tlv.type)) codec::appendProxyTlv(tlvs, tlv.type, tlv.value);
    }
  }
  header.tlvs = tlvs;
  codec::appendProxyHeader(to, header);
}

}  // namespace weir::cluster
