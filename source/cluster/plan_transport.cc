#include <utility>

#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/cluster/plan_parts.h"
#include "source/cluster/proxy_header_settings.h"
#include "source/transport/tls/tls_plan.h"

namespace weir::cluster {
namespace {

using envoy::config::core::v3::UpstreamHttpProtocolOptions;
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
    return readTransport(proxy.transport_socket(), settings, build, here.field("transport_socket"));
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

void readNames(const UpstreamHttpProtocolOptions& proto, ClusterSettings& settings,
               const Where& at) {
  if (!proto.auto_sni() && !proto.auto_san_validation()) return;
  const Unsupported unsupported(at);
  if (settings.tls == nullptr) {
    unsupported.ignore(proto.auto_sni(), "auto_sni", "a server name without TLS");
    unsupported.ignore(proto.auto_san_validation(), "auto_san_validation",
                       "checking certificates without TLS");
    return;
  }
  if (proto.auto_san_validation() && !settings.tls->verifyNames()) {
    at.field("auto_san_validation").error("names prove nothing without trusted_ca");
  }
  RequestNames names{proto.auto_sni(), proto.auto_san_validation(), {}};
  if (!proto.override_auto_sni_header().empty()) {
    auto field = HeaderName::parse(proto.override_auto_sni_header());
    if (!field) return at.field("override_auto_sni_header").error("expected a header's name");
    names.field = *std::move(field);
  }
  settings.names = std::move(names);
}

// HttpProtocolOptions goes before the cluster's own field, as in planHttp().
void readAllNames(const ClusterProto& proto, ClusterSettings& settings, const Where& at) {
  bool found = false;
  for (const auto& [key, any] : proto.typed_extension_protocol_options()) {
    envoy::extensions::upstreams::http::v3::HttpProtocolOptions options;
    if (anyTypeName(any) != options.GetDescriptor()->full_name() || !any.UnpackTo(&options))
      continue;
    found = true;
    readNames(options.upstream_http_protocol_options(), settings,
              at.field("typed_extension_protocol_options")
                  .key(key)
                  .field("upstream_http_protocol_options"));
  }
  if (found) return;
  readNames(proto.upstream_http_protocol_options(), settings,
            at.field("upstream_http_protocol_options"));
}

}  // namespace

void planTransport(const ClusterProto& proto, ClusterSettings& settings, const ClusterBuild& build,
                   const Where& at) {
  if (proto.has_transport_socket()) {
    readTransport(proto.transport_socket(), settings, build, at.field("transport_socket"));
  }
  readAllNames(proto, settings, at);
}

}  // namespace weir::cluster
