#include "source/rpc/grpc_stream.h"

#include <endian.h>

#include <cstring>

#include "weir/grpc.h"

namespace weir::rpc {
namespace {

// Bytes that are sent must live until the turn is over.
struct Sent final : net::Deferred {
  explicit Sent(std::string bytes) : bytes(std::move(bytes)) {}
  const std::string bytes;
};

std::string frame(const google::protobuf::Message& message) {
  std::string bytes(grpc::Messages::kPrefix, '\0');
  message.AppendToString(&bytes);
  const uint32_t size = htobe32(static_cast<uint32_t>(bytes.size() - grpc::Messages::kPrefix));
  std::memcpy(bytes.data() + 1, &size, sizeof size);
  return bytes;
}

}  // namespace

GrpcStream::GrpcStream(stream::Services& services, const GrpcTarget& target,
                       std::string_view method, MessageStreamUser& user)
    : services_(services),
      target_(target),
      method_(method),
      user_(user),
      arena_(services.chunks),
      head_(arena_),
      forward_(*this, info_) {}

GrpcStream::~GrpcStream() = default;

void GrpcStream::makeHead(const cluster::Cluster& cluster) {
  head_.setMethod("POST");
  head_.protocol = Protocol::Http2;
  head_.path = method_;
  head_.authority = target_.authority.empty() ? cluster.name() : target_.authority;
  head_.scheme = cluster.settings().tls == nullptr ? "http" : "https";
  head_.fields.add("content-type", "application/grpc");
  head_.fields.add("te", "trailers");
  for (const auto& [name, value] : target_.metadata) head_.fields.add(name, value);
  info_.request = &head_;
  info_.protocol = Protocol::Http2;
  info_.start = services_.loop.now();
}

void GrpcStream::start() {
  net::Loop::Turn turn(services_.loop);
  const uint64_t random = services_.random.next();
  const uint32_t slot = services_.clusters.slotOf(target_.cluster);
  cluster::WorkerCluster* cluster = services_.clusters.find(slot, random);
  if (cluster == nullptr) return end("there is no cluster '" + target_.cluster + "'");
  makeHead(cluster->cluster());
  forward_.start(*cluster, services_.loop, head_, false, random);
}

void GrpcStream::send(const google::protobuf::Message& message) {
  if (ended_) return;
  net::Loop::Turn turn(services_.loop);
  auto* sent = new Sent(frame(message));
  services_.loop.destroyLater(sent);
  forward_.body(sent->bytes, false);
}

void GrpcStream::finish() {
  if (ended_) return;
  net::Loop::Turn turn(services_.loop);
  forward_.body({}, true);
}

void GrpcStream::end(std::string why) {
  if (std::exchange(ended_, true)) return;
  forward_.cancel();
  user_.onStreamEnd(why);
}

void GrpcStream::endWith(const Fields& fields) {
  const uint32_t status = grpc::statusIn(fields).value_or(grpc::kUnknown);
  std::string why = "grpc-status " + std::to_string(status);
  if (const auto name = grpc::constantName(status); !name.empty()) why += " " + std::string(name);
  if (const auto text = fields.get("grpc-message")) why += ", '" + std::string(*text) + "'";
  if (!received_.empty()) why += ", in the middle of a message";
  end(std::move(why));
}

void GrpcStream::onForwardHead(ResponseHead& head, bool end) {
  if (head.status != 200) return this->end("HTTP status " + std::to_string(head.status));
  if (end) return endWith(head.fields);
  if (!grpc::isGrpc(head.fields)) this->end("the answer is no gRPC");
}

void GrpcStream::onForwardBody(std::string_view data, bool end) {
  received_.append(data);
  size_t at = 0;
  while (!ended_ && received_.size() - at >= grpc::Messages::kPrefix) {
    uint32_t size = 0;
    std::memcpy(&size, received_.data() + at + 1, sizeof size);
    size = be32toh(size);
    if (received_[at] != 0) return this->end("a compressed message, which nobody allowed");
    if (size > target_.most_message) {
      return this->end("a message of " + std::to_string(size) + " bytes, more than the " +
                       std::to_string(target_.most_message) + " that are allowed");
    }
    if (received_.size() - at - grpc::Messages::kPrefix < size) break;
    at += grpc::Messages::kPrefix;
    user_.onMessage(std::string_view(received_).substr(at, size));
    at += size;
  }
  if (ended_) return;
  received_.erase(0, at);
  if (received_.empty() && received_.capacity() > (1 << 20)) received_ = {};
  if (end) this->end("without a grpc-status");
}

void GrpcStream::onForwardFailure(const router::ForwardFailure& failure) {
  end(std::string(failure.failure.detail));
}

}  // namespace weir::rpc
