// An ExchangeOwner is the connection that made an exchange, as the exchange sees it.
#pragma once

#include <cstdint>

#include "weir/stream_info.h"

namespace weir::transport {
struct ConnectionFacts;
}

namespace weir::stream {

class Exchange;
class Tunnel;

// What is known of the client's connection; its parts live as long as the owner.
struct Downstream {
  Peer remote, local;
  uint64_t connection_id = 0;
  const transport::ConnectionFacts* facts = nullptr;  // learnt before its protocol began
  const TlsFacts* tls = nullptr;                      // null: plain
};

// The connection that made the exchange.
class ExchangeOwner {
 public:
  // The response has been written, or given up; the owner calls Loop::destroyLater.
  virtual void onExchangeFinished(Exchange& exchange) = 0;
  // The response whose head was just written opened a tunnel. The exchange is not the owner's any
  // more: what the client sends, and how the stream fares, is told to the tunnel.
  virtual void onTunnelOpened(Tunnel& tunnel) = 0;
  // As onExchangeFinished(). Unless both directions had ended, abort() came before.
  virtual void onTunnelFinished(Tunnel& tunnel) = 0;
  virtual Downstream downstream() const = 0;

 protected:
  ~ExchangeOwner() = default;
};

}  // namespace weir::stream
