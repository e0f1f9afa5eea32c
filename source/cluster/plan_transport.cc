#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/cluster/plan_parts.h"
#include "source/cluster/proxy_header_settings.h"
#include "source/transport/tls/tls_plan.h"

namespace weir::cluster {
namespace {

using envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;

void readTls(const google::protobuf::Any& any, ClusterSettings& settings, const ClusterBuild& build,
             const Where& at) {
  transport::UpstreamTlsProto tls;
  if (!unpackPlain(any, tls, at)) return;
  if (settings.proxy_header != nullptr) {
    return at.error("TLS behind a PROXY header is not supported: the header would be encrypted");
  }
  settings.tls = transport::TlsClient::plan(
      tls, {build.secrets, build.scope, "cluster '" + settings.name + "'"}, at);
}

void readTransport(const envoy::config::core::v3::TransportSocket& proto, ClusterSettings& settings,
                   const ClusterBuild& build, const Where& at) {
  const std::string type = anyTypeName(proto.typed_config());
  const Where here = at.field("typed_config");
  ProxyProtocolUpstreamTransport proxy;
  if (type == proxy.GetDescriptor()->full_name()) {
    if (settings.proxy_header != nullptr) return here.error("one PROXY header is enough");
    if (!unpackPlain(proto.typed_config(), proxy, here)) return;
    settings.proxy_header = ProxyHeaderSettings::from(proxy, here);
    here.warning("only TCP proxies reach this cluster: HTTP requests are answered 503");
    return readTransport(proxy.transport_socket(), settings, build,
                         here.field("transport_socket"));
  }
  const std::string raw =
      envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer::descriptor()->full_name();
  if (type == raw) return;
  if (type.empty() && proto.name() == "envoy.transport_sockets.raw_buffer") return;
  const std::string& tls = transport::UpstreamTlsProto::descriptor()->full_name();
  if (type == tls) return readTls(proto.typed_config(), settings, build, here);
  at.error("the transport socket " + (type.empty() ? "'" + proto.name() + "'" : type) +
           " is not supported, only " + raw + " and " + tls);
}

// Would decide which certificate an origin shows, and which is accepted.
void refuseNamesFromRequests(const ClusterProto& proto, const Where& at) {
  constexpr std::string_view kWhat = "taking the server name from the request";
  const auto refuse = [&](const envoy::config::core::v3::UpstreamHttpProtocolOptions& options,
                          const Where& here) {
    const Unsupported unsupported(here);
    unsupported.refuse(options.auto_sni(), "auto_sni", kWhat);
    unsupported.refuse(options.auto_san_validation(), "auto_san_validation", kWhat);
  };
  refuse(proto.upstream_http_protocol_options(), at.field("upstream_http_protocol_options"));
  for (const auto& [key, any] : proto.typed_extension_protocol_options()) {
    envoy::extensions::upstreams::http::v3::HttpProtocolOptions options;
    if (!any.UnpackTo(&options)) continue;
    refuse(options.upstream_http_protocol_options(), at.field("typed_extension_protocol_options")
                                                         .key(key)
                                                         .field("upstream_http_protocol_options"));
  }
}

}  // namespace

void planTransport(const ClusterProto& proto, ClusterSettings& settings, const ClusterBuild& build,
                   const Where& at) {
  if (!proto.has_transport_socket()) return;
  readTransport(proto.transport_socket(), settings, build, at.field("transport_socket"));
  if (settings.tls != nullptr) refuseNamesFromRequests(proto, at);
}

}  // namespace weir::cluster
