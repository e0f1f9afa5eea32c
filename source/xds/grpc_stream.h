// A GrpcStream is one call of a streaming gRPC method through a cluster of Weir's own, so that the
// cluster's TLS, addresses, keep-alive and statistics hold for it like for any request.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Main thread; `services` outlives
// it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "source/router/forward.h"
#include "source/stream/services.h"
#include "source/xds/message_stream.h"

namespace weir::xds {

// GrpcService.envoy_grpc, checked.
struct GrpcTarget {
  static constexpr size_t kMostMessage = 256 << 20;

  std::string cluster;
  std::string authority;  // empty: the cluster's name
  std::vector<std::pair<std::string, std::string>> metadata;
  size_t most_message = kMostMessage;  // bytes of a received message
};

class GrpcStream final : public MessageStream, private router::ForwardUser {
 public:
  GrpcStream(stream::Services& services, const GrpcTarget& target, std::string_view method,
             MessageStreamUser& user);
  ~GrpcStream() override;

  void start() override;
  void send(const google::protobuf::Message& message) override;

 private:
  void makeHead(const cluster::Cluster& cluster);
  void end(std::string why);
  void endWith(const Fields& fields);

  void onForwardInterim(ResponseHead&) override {}
  void onForwardHead(ResponseHead& head, bool end) override;
  void onForwardBody(std::string_view data, bool end) override;
  void onForwardTrailers(Fields& trailers) override { endWith(trailers); }
  void onForwardFailure(const router::ForwardFailure& failure) override;
  void onForwardWritable() override {}
  void onForwardEndpoint(std::string_view) override {}
  void onForwardAttempt(const Attempt&) override {}
  Arena& forwardArena() override { return arena_; }

  stream::Services& services_;
  const GrpcTarget target_;
  const std::string method_;
  MessageStreamUser& user_;
  Arena arena_;
  StreamInfo info_;
  RequestHead head_;
  router::Forward forward_;
  std::string received_;  // what is no whole message yet
  bool ended_ = false;
};

}  // namespace weir::xds
