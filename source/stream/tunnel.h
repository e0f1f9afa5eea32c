// A Tunnel is what a request is after a 101, or a 2xx to CONNECT: bytes that are no HTTP, each way
// until that way ends. It takes the place of its exchange, of which nothing is left but what the
// access log wants at the end, so that an idle tunnel costs little. It knows no protocol: the two
// streams carry it. Made by the exchange; finished exactly once; destroyed by its owner. One
// worker.
//
//   start (onClientBytes | onDownstreamWritable)*, or onDownstreamGone at any time
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "source/codec/stream.h"
#include "source/net/loop.h"
#include "source/router/carrier.h"
#include "source/stream/exchange_owner.h"
#include "source/stream/services.h"

namespace weir::stream {

struct HcmPlan;

// A request that asks for a tunnel, before there is one.
struct TunnelAsk {
  // Answered: yes, and filters look at the answer.
  enum State : uint8_t { None, Refused, Admitted, Answered };
  State state = None;
  bool upstream_ended = false;  // of the tunnel, already
};

// How a tunnel came to its end, for the log.
struct TunnelEnd {
  std::string_view details;
  std::optional<ResponseFlag> flag = std::nullopt;
};

// What is left of the exchange; null when nobody asks in the end.
class TunnelRecord {
 public:
  virtual StreamInfo& tunnelInfo() = 0;
  // Gone afterwards.
  virtual void onTunnelEnd(const TunnelEnd& end) = 0;

 protected:
  ~TunnelRecord() = default;
};

class Tunnel final : public net::Deferred, codec::ClientStreamUser, net::TimerUser {
 public:
  // Zero means none.
  struct Limits {
    std::chrono::milliseconds idle;
    net::SteadyTime until = net::SteadyTime::max();  // max_stream_duration
  };

  // Takes the stream over that `forward` has.
  Tunnel(Services& services, std::shared_ptr<const HcmPlan> plan, ExchangeOwner& owner,
         codec::ServerStream& server, router::Forward& forward, const Limits& limits,
         TunnelRecord* record);
  ~Tunnel() override;

  // Once, when the owner knows the tunnel. `upstream_ended`: that direction had ended before.
  void start(bool upstream_ended);
  void onClientBytes(std::string_view data, bool end);
  void onDownstreamWritable();
  void onDownstreamGone(ResponseFlag flag, std::string_view details);
  // What the connection counts into.
  ByteMeter& bytes();

 private:
  // codec::ClientStreamUser
  Arena& responseArena() override;
  void onUpstreamInterim(ResponseHead&) override {}
  void onUpstreamHead(ResponseHead&, bool) override {}
  void onUpstreamBody(std::string_view data, bool end) override;
  void onUpstreamTrailers(Fields&) override { onUpstreamBody({}, true); }
  void onUpstreamFailure(const Failure& failure) override;
  void onUpstreamWritable() override;

  void onTimer() override;

  void noteActivity() { last_activity_ = services_.loop.now(); }
  void armTimer();
  void breakOff(ResponseFlag flag, std::string_view details);
  void finish(const TunnelEnd& end);

  Services& services_;
  std::shared_ptr<const HcmPlan> plan_;
  ExchangeOwner& owner_;
  codec::ServerStream& server_;
  TunnelRecord* record_;
  router::HandedStream upstream_;
  net::Timer timer_;
  const Limits limits_;
  net::SteadyTime last_activity_;
  std::unique_ptr<Arena> arena_;  // for a protocol that reads more than bytes
  bool client_ended_ = false, upstream_ended_ = false;
  bool finished_ = false;
};

}  // namespace weir::stream
