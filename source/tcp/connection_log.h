// A ConnectionLine is what access logs are told of a TCP connection: the StreamInfo, and the texts
// it points to. Made where a line is written, on the connection's worker.
#pragma once

#include <string_view>

#include "source/stream/peer_texts.h"
#include "source/tcp/tcp_proxy_plan.h"
#include "source/transport/connection.h"
#include "source/transport/server_connection.h"
#include "weir/stream_info.h"

namespace weir::tcp {

class ConnectionLine {
 public:
  // `accepted` and `connection`, the client's, outlive it.
  ConnectionLine(const transport::Accepted& accepted, const transport::Connection& connection,
                 LogMoment moment, SteadyTime now);
  ConnectionLine(const ConnectionLine&) = delete;

  StreamInfo info;

 private:
  const stream::PeerTexts peers_;
  const stream::PeerTexts direct_;
};

// For a connection that a network filter closed in front of the proxy.
void logRefusal(const TcpProxyPlan& plan, const transport::Accepted& accepted,
                const transport::Connection& connection, std::string_view details, SteadyTime now);

}  // namespace weir::tcp
