#include "source/server/address_reader.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <limits>

namespace weir::server {

using listener::SocketOption;

Result<net::Address> readAddress(const envoy::config::core::v3::Address& proto) {
  if (proto.has_pipe()) {
    auto path = net::Address::unixPath(proto.pipe().path());
    if (!path) path.error().field = "pipe.path";
    return path;
  }
  if (!proto.has_socket_address()) return Error{"", "expected socket_address or pipe"};
  const auto& socket = proto.socket_address();
  if (socket.protocol() != envoy::config::core::v3::SocketAddress::TCP) {
    return Error{"socket_address.protocol", "only TCP is supported"};
  }
  if (socket.port_value() > 65535)
    return Error{"socket_address.port_value", "a port is at most 65535"};
  auto ip = net::Address::ip(socket.address(), static_cast<uint16_t>(socket.port_value()));
  if (!ip) ip.error().field = "socket_address.address";
  return ip;
}

namespace {

using Proto = envoy::config::core::v3::SocketOption;

SocketOption::Moment momentOf(Proto::SocketState state) {
  switch (state) {
    case Proto::STATE_BOUND:
      return SocketOption::Moment::Bound;
    case Proto::STATE_LISTENING:
      return SocketOption::Moment::Listening;
    default:
      return SocketOption::Moment::BeforeBind;
  }
}

}  // namespace

void readSocketOptions(const google::protobuf::RepeatedPtrField<Proto>& protos, const Where& at,
                       listener::SocketOptions& into) {
  constexpr auto kMax = std::numeric_limits<int>::max();
  for (int i = 0; i < protos.size(); ++i) {
    const Proto& proto = protos[i];
    const Where here = at.index(static_cast<size_t>(i));
    if (proto.has_type() && !proto.type().has_stream()) continue;  // of datagram sockets
    SocketOption option;
    if (proto.level() < 0 || proto.level() > kMax) here.field("level").error("is no int");
    if (proto.name() < 0 || proto.name() > kMax) here.field("name").error("is no int");
    option.level = static_cast<int>(proto.level());
    option.name = static_cast<int>(proto.name());
    option.moment = momentOf(proto.state());
    if (proto.ip_version() == Proto::SOCKET_IP_VERSION_IPV4) option.family = AF_INET;
    if (proto.ip_version() == Proto::SOCKET_IP_VERSION_IPV6) option.family = AF_INET6;
    option.description = "socket option " + std::to_string(proto.level()) + "/" +
                         std::to_string(proto.name()) +
                         (proto.description().empty() ? "" : " (" + proto.description() + ")");
    if (proto.value_case() == Proto::kIntValue) {
      const auto value = static_cast<int>(proto.int_value());
      if (value != proto.int_value()) here.field("int_value").error("is no int");
      option.value.assign(reinterpret_cast<const char*>(&value), sizeof value);
    } else if (proto.value_case() == Proto::kBufValue) {
      option.value = proto.buf_value();
    } else {
      here.error("expected int_value or buf_value");
    }
    into.add(std::move(option));
  }
}

void readKeepalive(const envoy::config::core::v3::TcpKeepalive& proto, const Where& at,
                   listener::SocketOptions& into) {
  const auto add = [&](bool set, uint32_t value, int name, const char* field, uint32_t most) {
    if (!set) return;
    if (value == 0 || value > most) {
      at.field(field).error("expected 1 to " + std::to_string(most));
    }
    into.add(SocketOption::ofInt(IPPROTO_TCP, name, static_cast<int>(value), field));
  };
  into.add(SocketOption::ofInt(SOL_SOCKET, SO_KEEPALIVE, 1, "keep-alive"));
  constexpr uint32_t kMostSeconds = 32767, kMostProbes = 127;  // tcp(7)
  add(proto.has_keepalive_probes(), proto.keepalive_probes().value(), TCP_KEEPCNT,
      "keepalive_probes", kMostProbes);
  add(proto.has_keepalive_time(), proto.keepalive_time().value(), TCP_KEEPIDLE, "keepalive_time",
      kMostSeconds);
  add(proto.has_keepalive_interval(), proto.keepalive_interval().value(), TCP_KEEPINTVL,
      "keepalive_interval", kMostSeconds);
}

}  // namespace weir::server
