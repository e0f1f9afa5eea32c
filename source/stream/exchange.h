// An Exchange is one request and its response: it owns the request's arena, runs the filter chain
// in both directions, forwards through the router, keeps the deadlines, and at its end tells
// filters, statistics and logs what happened. Made by a downstream connection when a head is
// complete; finished exactly once; destroyed at the end of that turn. One worker.
//
//   start (onRequestBody* onRequestTrailers?)  …  or onDownstreamGone at any time
#pragma once

#include <string>
#include <string_view>

#include "source/codec/http1/parse_error.h"
#include "source/codec/stream.h"
#include "source/router/forward.h"
#include "source/stream/exchange_owner.h"
#include "source/stream/free_listed.h"
#include "source/stream/hcm_plan.h"
#include "source/stream/lane.h"
#include "source/stream/services.h"
#include "source/stream/stream_metadata.h"
#include "source/stream/tunnel.h"
#include "weir/stream.h"

namespace weir::stream {

class Exchange final : public net::Deferred,
                       public FreeListed<Exchange>,
                       public Stream,
                       private LaneUser,
                       private router::ForwardUser,
                       private TunnelRecord,
                       private net::TimerUser {
 public:
  Exchange(Services& services, std::shared_ptr<const HcmPlan> plan, ExchangeOwner& owner,
           codec::ServerStream& server);
  ~Exchange() override;

  Arena& arena() override { return arena_; }
  RequestHead& request() override { return *request_; }
  ByteMeter& bytes() { return info_.downstream; }  // what the connection counts into

  void start(bool end);  // `end`: no body follows
  void onRequestBody(std::string_view data, bool end);
  void onRequestTrailers(Fields& trailers);
  void onDownstreamWritable();
  // The client is gone, or broke the protocol in the middle of its request.
  void onDownstreamGone(ResponseFlag flag, std::string_view details);
  // What arrived is no message, from its head on or in its middle.
  void onRequestError(const codec::ParseError& error);
  void onRequestTimeout(std::string_view text, std::string_view details);

 private:
  const StreamInfo& info() const override { return info_; }
  SteadyTime now() const override { return services_.loop.now(); }
  uint64_t random() override { return services_.random.next(); }
  ResponseHead* response() override { return response_; }
  std::string_view requestBody() const override { return request_lane_.whole(); }
  std::string_view responseBody() const override { return response_lane_.whole(); }
  Pending<void> sleep(std::chrono::microseconds wait) override;
  Pending<CallResult> call(CallRequest request) override;
  Pending<ByteReply> exchange(ByteRequest request) override;
  Pending<bool> until(Signal& signal, std::chrono::milliseconds limit) override;
  void setMetadata(std::string_view space, std::string_view key, std::string_view value) override;
  std::string_view metadata(std::string_view space, std::string_view key) const override;
  std::string_view routeCluster() const override;
  const StatScope* routeClusterStats() const override;
  std::optional<ClusterHealth> clusterHealth(std::string_view cluster) const override;
  void setFlag(ResponseFlag flag) override { info_.flags.set(flag); }
  bool healthCheckFailed() const override { return services_.health_check_failed; }

  // LaneUser
  void onLaneHead(Direction direction, bool end) override;
  void onLaneBody(Direction direction, std::string_view data, bool end) override;
  void onLaneTrailers(Direction direction, Fields& trailers) override;
  void onLaneReply(Direction direction, const LocalReply& reply) override;
  void onLaneTooLarge(Direction direction) override;
  void onLaneVerdict(size_t slot, Verdict::Kind verdict, bool waited) override;
  void onLanePause(Direction direction, bool pause) override;
  net::Loop& laneLoop() override { return services_.loop; }

  // router::ForwardUser
  void onForwardInterim(ResponseHead& head) override;
  void onForwardHead(ResponseHead& head, bool end) override;
  void onForwardBody(std::string_view data, bool end) override;
  void onForwardTrailers(Fields& trailers) override;
  void onForwardFailure(const router::ForwardFailure& failure) override;
  void onForwardWritable() override;
  void onForwardEndpoint(std::string_view host_name) override;
  void onForwardAttempt(const Attempt& attempt) override;
  Arena& forwardArena() override { return arena_; }

  StreamInfo& tunnelInfo() override { return info_; }
  void onTunnelEnd(const TunnelEnd& end) override;
  void onTimer() override;
  const Chains& admitTunnel();
  void openTunnel();

  // exchange.cc: down to the cluster
  bool prepareRequest();
  void findRoute(uint64_t random);
  void openLanes(const Chains& chains);
  void forwardRequest(bool end);
  void sendToCluster(bool end);
  void pauseRequest(bool pause, uint8_t reason);

  // exchange_response.cc: back to the client
  void localReply(const LocalReply& reply);
  void sendReplyBody(const LocalReply& reply, bool through_chain);
  void writeHead(bool end);
  void writeBody(std::string_view data, bool end);
  void resetResponse(ResponseFlag flag, std::string_view details, codec::Abort why);
  void onRequestComplete();
  void armTimer();
  SteadyTime nextDeadline() const;
  void finish();
  void tellFilters();
  void countEnd();

  Services& services_;
  std::shared_ptr<const HcmPlan> plan_;
  ExchangeOwner& owner_;
  codec::ServerStream& server_;
  Arena arena_;
  StreamInfo info_;
  RequestHead* request_ = nullptr;
  ResponseHead* response_ = nullptr;
  const Chain* chain_ = nullptr;
  Filter** filters_ = nullptr;
  const router::VirtualHost* virtual_host_ = nullptr;
  const router::Route* route_ = nullptr;
  const router::WeightedCluster* weighted_ = nullptr;
  router::Match::Kind match_ = router::Match::Kind::NoVirtualHost;
  Lane<Direction::Request> request_lane_;
  Lane<Direction::Response> response_lane_;
  router::Forward forward_;
  net::Timer timer_;
  SteadyTime last_activity_{};
  std::chrono::milliseconds idle_timeout_{0}, max_duration_{0};
  router::Timeouts timeouts_;
  StreamMetadata metadata_;
  telemetry::DecisionRecord record_;
  uint64_t random_ = 0;         // one draw for all who ask, as in Envoy
  uint8_t request_pauses_ = 0;  // bit set of reasons
  bool request_complete_ = false, head_written_ = false, response_written_ = false;
  bool forwarded_ = false, from_upstream_ = false;  // forward_ runs; response_ is the origin's
  bool finished_ = false, forces_trace_ = false, steered_ = false, awaited_ = false;
  TunnelAsk ask_;
};

}  // namespace weir::stream
