// An ExchangeOwner is the connection that made an exchange, as the exchange sees it.
#pragma once

#include <cstdint>

#include "weir/stream_info.h"

namespace weir::stream {

class Exchange;

// The connection that made the exchange.
class ExchangeOwner {
 public:
  // The response has been written, or given up; the owner calls Loop::destroyLater.
  virtual void onExchangeFinished(Exchange& exchange) = 0;
  virtual Peer remotePeer() const = 0;
  virtual Peer localPeer() const = 0;
  virtual uint64_t connectionId() const = 0;

 protected:
  ~ExchangeOwner() = default;
};

}  // namespace weir::stream
