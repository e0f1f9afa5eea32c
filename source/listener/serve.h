// serve() begins to serve a connection as its filter chain says, behind the network filters.
// `alpn` is what TLS agreed on. `enlist` is called with the server before that does anything. The
// connection may be closed, and the server with it, when serve() returns.
#pragma once

#include <string_view>
#include <utility>

#include "source/listener/listener_plan.h"
#include "source/stream/codec_choice.h"
#include "source/stream/services.h"
#include "source/tcp/tcp_proxy.h"

namespace weir::listener {

template <typename Enlist>
void serve(stream::Services& services, const FilterChainPlan& chain,
           transport::ServerConnections& connections, transport::ConnectionPtr connection,
           const transport::Accepted& accepted, std::string_view alpn, Enlist enlist) {
  if (chain.tcp != nullptr) {
    auto* proxy =
        new tcp::TcpProxy(services, chain.tcp, connections, std::move(connection), accepted);
    enlist(*proxy);
    return proxy->start();
  }
  enlist(
      stream::serveHttp(services, chain.hcm, connections, std::move(connection), accepted, alpn));
}

}  // namespace weir::listener
