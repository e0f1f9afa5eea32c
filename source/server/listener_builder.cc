#include "source/server/listener_builder.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <limits>

#include "source/server/address_reader.h"
#include "source/server/filter_chain_builder.h"
#include "source/server/listener_filter_builder.h"

namespace weir::server {
namespace {

using Proto = envoy::config::listener::v3::Listener;
using listener::ListenAddress;
using listener::SocketOption;

// "127.0.0.1:80" as a stat name: dots would be separators.
std::string statName(const Proto& proto, const net::Address& address) {
  std::string name = proto.stat_prefix().empty() ? address.text() : proto.stat_prefix();
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
}

ListenAddress readListenAddress(const envoy::config::core::v3::Address& proto, const Where& at) {
  ListenAddress made;
  auto address = readAddress(proto);
  if (address) {
    made.address = *std::move(address);
  } else {
    at.field(address.error().field).error(address.error().text);
  }
  made.ipv4_compat = proto.socket_address().ipv4_compat();
  made.unix_mode = proto.pipe().mode();
  return made;
}

// What all sockets of the listener get.
void readSharedOptions(const Proto& proto, const Where& at, ListenAddress& into) {
  const auto add = [&](int v4_level, int v4_name, int v6_level, int v6_name, const char* what) {
    const bool v4 = into.address.family() == AF_INET;
    into.options.add(
        SocketOption::ofInt(v4 ? v4_level : v6_level, v4 ? v4_name : v6_name, 1, what));
  };
  if (into.address.isUnix()) return;
  if (proto.freebind().value())
    add(IPPROTO_IP, IP_FREEBIND, IPPROTO_IPV6, IPV6_FREEBIND, "freebind");
  if (proto.transparent().value()) {
    add(IPPROTO_IP, IP_TRANSPARENT, IPPROTO_IPV6, IPV6_TRANSPARENT, "transparent");
  }
  if (proto.has_tcp_fast_open_queue_length()) {
    const uint32_t length = proto.tcp_fast_open_queue_length().value();
    if (length > std::numeric_limits<int>::max())
      at.field("tcp_fast_open_queue_length").error("is no int");
    into.options.add(SocketOption::ofInt(IPPROTO_TCP, TCP_FASTOPEN, static_cast<int>(length),
                                         "tcp_fast_open_queue_length",
                                         SocketOption::Moment::Listening));
  }
}

void readAddresses(const Proto& proto, const Where& at, listener::ListenerPlan& plan,
                   ListenAddress first) {
  readSharedOptions(proto, at, first);
  if (proto.has_tcp_keepalive())
    readKeepalive(proto.tcp_keepalive(), at.field("tcp_keepalive"), first.options);
  readSocketOptions(proto.socket_options(), at.field("socket_options"), first.options);
  plan.addresses.push_back(std::move(first));
  for (int i = 0; i < proto.additional_addresses_size(); ++i) {
    const auto& more = proto.additional_addresses(i);
    const Where here = at.field("additional_addresses").index(static_cast<size_t>(i));
    ListenAddress address = readListenAddress(more.address(), here.field("address"));
    readSharedOptions(proto, at, address);
    if (more.has_tcp_keepalive()) {
      readKeepalive(more.tcp_keepalive(), here.field("tcp_keepalive"), address.options);
    } else if (proto.has_tcp_keepalive()) {
      readKeepalive(proto.tcp_keepalive(), at.field("tcp_keepalive"), address.options);
    }
    const auto& own = more.socket_options().socket_options();
    readSocketOptions(more.has_socket_options() ? own : proto.socket_options(),
                      more.has_socket_options()
                          ? here.field("socket_options").field("socket_options")
                          : at.field("socket_options"),
                      address.options);
    plan.addresses.push_back(std::move(address));
  }
}

void readLimits(const Proto& proto, const Where& at, const stream::BuildContext& context,
                std::shared_ptr<listener::ConnectionLimit> global, listener::ListenerPlan& plan) {
  if (proto.has_tcp_backlog_size())
    plan.backlog = static_cast<int>(proto.tcp_backlog_size().value());
  if (proto.has_per_connection_buffer_limit_bytes()) {
    plan.buffer_limit = proto.per_connection_buffer_limit_bytes().value();
  }
  if (proto.has_max_connections_to_accept_per_socket_event()) {
    const uint32_t most = proto.max_connections_to_accept_per_socket_event().value();
    if (most == 0 || most > std::numeric_limits<int>::max()) {
      at.field("max_connections_to_accept_per_socket_event").error("expected at least 1");
    }
    plan.accepts_per_turn = static_cast<int>(most);
  }
  if (proto.has_listener_filters_timeout()) {
    const auto& timeout = proto.listener_filters_timeout();
    plan.filters_timeout =
        std::chrono::milliseconds(timeout.seconds() * 1000 + timeout.nanos() / 1'000'000);
  }
  plan.continue_on_timeout = proto.continue_on_listener_filters_timeout();
  plan.bypasses_overload = proto.bypass_overload_manager();
  if (!proto.ignore_global_conn_limit()) plan.global_limit = std::move(global);
  plan.connection_limit =
      keyOf(context.runtime, "envoy.resource_limits.listener." + plan.name + ".connection_limit");
}

void readBalance(const Proto& proto, const Where& at, listener::ListenerPlan& plan) {
  if (proto.has_enable_reuse_port()) plan.reuse_port = proto.enable_reuse_port().value();
  plan.exact_balance = proto.connection_balance_config().has_exact_balance();
  if (proto.connection_balance_config().has_extend_balance()) {
    at.field("connection_balance_config")
        .field("extend_balance")
        .error("only exact_balance is supported");
  }
}

void refuseUnsupported(const Proto& proto, const Where& at) {
  if (proto.has_filter_chain_matcher()) {
    at.field("filter_chain_matcher")
        .error("matching trees are not supported yet; use filter_chain_match of each chain");
  }
  if (proto.use_original_dst().value()) {
    at.field("use_original_dst")
        .error(
            "connections are not handed to other listeners; use "
            "envoy.filters.listener.original_dst and filter_chain_match.prefix_ranges");
  }
}

}  // namespace

std::shared_ptr<const listener::ListenerPlan> buildListener(
    const Proto& proto, const Where& at, const stream::BuildContext& context,
    std::shared_ptr<listener::ConnectionLimit> global, const KnownChains& known) {
  const size_t before = at.report().errors();
  ListenAddress address = readListenAddress(proto.address(), at.field("address"));
  const std::string stat_name = statName(proto, address.address);
  auto plan = std::make_shared<listener::ListenerPlan>(
      proto.name().empty() ? stat_name : proto.name(),
      context.stats.scope("listener").tagged(stat_name, "envoy_listener_address"));
  plan->stat_name = stat_name;
  plan->inbound = proto.traffic_direction() == envoy::config::core::v3::INBOUND;
  refuseUnsupported(proto, at);
  readAddresses(proto, at, *plan, std::move(address));
  readLimits(proto, at, context, std::move(global), *plan);
  readBalance(proto, at, *plan);
  stream::BuildContext of_listener = context;
  of_listener.buffer_limit = plan->buffer_limit;
  of_listener.bypasses_overload = plan->bypasses_overload;
  const bool needs_hello = buildFilterChains(proto, at, of_listener, known, *plan);
  buildListenerFilters(proto, at, of_listener, needs_hello, *plan);
  return at.report().errors() == before ? plan : nullptr;
}

}  // namespace weir::server
