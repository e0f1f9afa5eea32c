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
  virtual Peer remotePeer() const = 0;
  virtual Peer localPeer() const = 0;
  virtual uint64_t connectionId() const = 0;
  // Null: nothing was learnt of the connection before its protocol began.
  virtual const transport::ConnectionFacts* facts() const { return nullptr; }
  // Null: plain. Lives as long as the owner.
  virtual const TlsFacts* tls() const { return nullptr; }

 protected:
  ~ExchangeOwner() = default;
};

}  // namespace weir::stream
