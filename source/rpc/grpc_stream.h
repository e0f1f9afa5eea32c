// A GrpcStream is one call of a streaming gRPC method through a cluster of Weir's own, so that the
// cluster's TLS, addresses, keep-alive and statistics hold for it like for any request.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. The thread of `services`, which
// outlive it.
#pragma once

#include <string>

#include "source/router/forward.h"
#include "source/rpc/grpc_target.h"
#include "source/rpc/message_stream.h"
#include "source/stream/services.h"

namespace weir::rpc {

class GrpcStream final : public MessageStream, private router::ForwardUser {
 public:
  GrpcStream(stream::Services& services, const GrpcTarget& target, std::string_view method,
             MessageStreamUser& user);
  ~GrpcStream() override;

  void start() override;
  void send(const google::protobuf::Message& message) override;
  // Also while there is no connection yet.
  bool congested() const override { return !connected_ || forward_.congested(); }
  void finish() override;

 private:
  void makeHead(const cluster::Cluster& cluster);
  void end(std::string why);
  void endWith(const Fields& fields);

  void onForwardInterim(ResponseHead&) override {}
  void onForwardHead(ResponseHead& head, bool end) override;
  void onForwardBody(std::string_view data, bool end) override;
  void onForwardTrailers(Fields& trailers) override { endWith(trailers); }
  void onForwardFailure(const router::ForwardFailure& failure) override;
  void onForwardWritable() override { user_.onStreamWritable(); }
  void onForwardEndpoint(std::string_view) override { connected_ = true; }
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
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace weir::rpc
