#include "source/server/listener_builder.h"

#include <algorithm>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weir::server {
namespace {

using Proto = envoy::config::listener::v3::Listener;
using FilterChain = envoy::config::listener::v3::FilterChain;

void buildChain(const FilterChain& proto, const Where& at, const stream::BuildContext& context,
                listener::ListenerPlan& plan) {
  if (proto.has_filter_chain_match()) {
    at.field("filter_chain_match")
        .error("choosing between filter chains is not supported yet; remove it");
  }
  if (proto.has_transport_socket() &&
      context.type_of(proto.transport_socket().typed_config()) !=
          "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer") {
    at.field("transport_socket")
        .error("only raw_buffer (plain text) is supported yet; TLS comes later");
  }
  if (proto.filters_size() != 1) {
    at.field("filters").error("expected one network filter, the HttpConnectionManager; found " +
                              std::to_string(proto.filters_size()));
    return;
  }
  const Where filter = at.field("filters").index(0).field("typed_config");
  const auto& any = proto.filters(0).typed_config();
  stream::HttpConnectionManager hcm;
  if (context.type_of(any) != hcm.GetDescriptor()->full_name()) {
    return filter.error("expected " + hcm.GetDescriptor()->full_name() + ", found '" +
                        context.type_of(any) + "'");
  }
  if (!context.unpack(any, hcm, filter)) return;
  listener::FilterChainPlan chain;
  chain.name = proto.name();
  chain.hcm = stream::buildHcm(hcm, filter, context);
  if (chain.hcm != nullptr) plan.chains.push_back(std::move(chain));
}

// "127.0.0.1:80" as a stat name: dots would be separators.
std::string statName(const Proto& proto, const net::Address& address) {
  std::string name = proto.stat_prefix().empty() ? address.text() : proto.stat_prefix();
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
}

}  // namespace

Result<net::Address> readAddress(const envoy::config::core::v3::Address& proto) {
  if (proto.has_pipe()) {
    auto path = net::Address::unixPath(proto.pipe().path());
    if (!path) path.error().field = "pipe.path";
    return path;
  }
  if (!proto.has_socket_address()) return Error{"", "expected socket_address or pipe"};
  const auto& socket = proto.socket_address();
  if (socket.protocol() != envoy::config::core::v3::SocketAddress::TCP) {
    return Error{"socket_address.protocol", "only TCP is supported"};
  }
  if (socket.port_value() > 65535)
    return Error{"socket_address.port_value", "a port is at most 65535"};
  auto ip = net::Address::ip(socket.address(), static_cast<uint16_t>(socket.port_value()));
  if (!ip) ip.error().field = "socket_address.address";
  return ip;
}

std::shared_ptr<const listener::ListenerPlan> buildListener(const Proto& proto, const Where& at,
                                                            const stream::BuildContext& context) {
  const size_t before = at.report().errors();
  auto address = readAddress(proto.address());
  if (!address) {
    at.field("address").field(address.error().field).error(address.error().text);
    address = net::Address();
  }
  const std::string stat_name = statName(proto, *address);
  auto plan = std::make_shared<listener::ListenerPlan>(
      proto.name().empty() ? stat_name : proto.name(),
      context.stats.scope("listener").tagged(stat_name, "envoy_listener_address"));
  plan->stat_name = stat_name;
  plan->inbound = proto.traffic_direction() == envoy::config::core::v3::INBOUND;
  plan->address = *std::move(address);
  plan->ipv4_compat = proto.address().socket_address().ipv4_compat();
  plan->unix_mode = proto.address().pipe().mode();
  if (proto.has_tcp_backlog_size())
    plan->backlog = static_cast<int>(proto.tcp_backlog_size().value());
  if (proto.has_enable_reuse_port()) plan->reuse_port = proto.enable_reuse_port().value();
  if (proto.has_per_connection_buffer_limit_bytes()) {
    plan->buffer_limit = proto.per_connection_buffer_limit_bytes().value();
  }
  plan->exact_balance = proto.connection_balance_config().has_exact_balance();
  if (proto.connection_balance_config().has_extend_balance()) {
    at.field("connection_balance_config")
        .field("extend_balance")
        .error("only exact_balance is supported");
  }
  if (proto.filter_chains_size() != 1) {
    at.field("filter_chains")
        .error("expected exactly one filter chain, found " +
               std::to_string(proto.filter_chains_size()));
  }
  stream::BuildContext of_listener = context;
  of_listener.buffer_limit = plan->buffer_limit;
  for (int i = 0; i < proto.filter_chains_size(); ++i) {
    buildChain(proto.filter_chains(i), at.field("filter_chains").index(static_cast<size_t>(i)),
               of_listener, *plan);
  }
  return at.report().errors() == before ? plan : nullptr;
}

}  // namespace weir::server
