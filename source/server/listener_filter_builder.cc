#include "source/server/listener_filter_builder.h"

#include "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.pb.h"
#include "envoy/extensions/filters/listener/original_dst/v3/original_dst.pb.h"
#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "source/listener/inspectors.h"
#include "source/listener/proxy_protocol.h"

namespace weir::server {
namespace {

namespace filters = envoy::extensions::filters::listener;
using filters::http_inspector::v3::HttpInspector;
using filters::original_dst::v3::OriginalDst;
using filters::proxy_protocol::v3::ProxyProtocol;
using filters::tls_inspector::v3::TlsInspector;
using listener::ListenerFilterPlan;
using PlanPtr = std::shared_ptr<const ListenerFilterPlan>;

PlanPtr buildTlsInspector(const TlsInspector& proto, const Where& at, const StatScope& stats) {
  constexpr uint32_t kLeast = 256;
  uint32_t most = codec::HelloReader::kMaxSize;
  if (proto.has_max_client_hello_size()) {
    most = proto.max_client_hello_size().value();
    if (most < kLeast || most > codec::HelloReader::kMaxSize) {
      at.field("max_client_hello_size").error("expected 256 to 65536");
    }
  }
  return std::make_shared<listener::TlsInspectorPlan>(
      stats.scope("tls_inspector"), most, proto.close_connection_on_client_hello_parsing_errors());
}

PlanPtr buildOne(const google::protobuf::Any& any, const Where& at,
                 const stream::BuildContext& context) {
  const std::string type = context.type_of(any);
  const auto is = [&type](const google::protobuf::Message& message) {
    return type == message.GetDescriptor()->full_name();
  };
  if (is(TlsInspector::default_instance())) {
    TlsInspector proto;
    if (!context.unpack(any, proto, at)) return nullptr;
    return buildTlsInspector(proto, at, context.stats);
  }
  if (is(HttpInspector::default_instance())) {
    return std::make_shared<listener::HttpInspectorPlan>(context.stats.scope("http_inspector"));
  }
  if (is(OriginalDst::default_instance())) return std::make_shared<listener::OriginalDstPlan>();
  if (is(ProxyProtocol::default_instance())) {
    ProxyProtocol proto;
    if (!context.unpack(any, proto, at)) return nullptr;
    return std::make_shared<listener::ProxyProtocolPlan>(proto, context.stats, at);
  }
  at.error(type.empty()
               ? "expected the filter's configuration, with its @type"
               : "no listener filter is configured by '" + type +
                     "'; there are tls_inspector, http_inspector, proxy_protocol, original_dst");
  return nullptr;
}

}  // namespace

void buildListenerFilters(const envoy::config::listener::v3::Listener& proto, const Where& at,
                          const stream::BuildContext& context, bool needs_hello,
                          listener::ListenerPlan& plan) {
  for (int i = 0; i < proto.listener_filters_size(); ++i) {
    const auto& filter = proto.listener_filters(i);
    const Where here = at.field("listener_filters").index(static_cast<size_t>(i));
    listener::ListenerFilterSlot slot;
    slot.plan = buildOne(filter.typed_config(), here.field("typed_config"), context);
    if (filter.has_filter_disabled()) {
      slot.disabled =
          listener::PortPredicate::from(filter.filter_disabled(), here.field("filter_disabled"));
    }
    needs_hello &= context.type_of(filter.typed_config()) !=
                   TlsInspector::default_instance().GetDescriptor()->full_name();
    if (slot.plan != nullptr) plan.filters.push_back(std::move(slot));
  }
  if (!needs_hello) return;
  at.field("listener_filters")
      .warning(
          "filter chains match what the ClientHello says: envoy.filters.listener.tls_inspector is "
          "added at the end; say so in the configuration");
  plan.filters.push_back({buildTlsInspector({}, at, context.stats), {}});
}

}  // namespace weir::server
