#include "source/admin/admin_settings.h"

namespace weir::admin {
namespace {

Result<net::Address> readAddress(const envoy::config::core::v3::Address& proto) {
  if (proto.has_pipe()) return net::Address::unixPath(proto.pipe().path());
  if (!proto.has_socket_address()) return Error{"", "expected socket_address or pipe"};
  const auto& socket = proto.socket_address();
  if (socket.protocol() != envoy::config::core::v3::SocketAddress::TCP) {
    return Error{"", "only TCP is supported"};
  }
  if (socket.port_value() > 65535) return Error{"", "a port is at most 65535"};
  return net::Address::ip(socket.address(), static_cast<uint16_t>(socket.port_value()));
}

}  // namespace

std::optional<AdminSettings> readAdmin(const envoy::config::bootstrap::v3::Admin& proto,
                                       const Where& at) {
  if (!proto.has_address()) return std::nullopt;
  const size_t before = at.report().errors();
  AdminSettings settings;
  auto address = readAddress(proto.address());
  if (address) {
    settings.address = *std::move(address);
    if (!settings.address.isUnix() && !settings.address.isLoopback()) {
      at.field("address").warning(
          "the admin interface can stop the server and knows no users; others than this machine "
          "may "
          "reach " +
          settings.address.text());
    }
  } else {
    at.field("address").error(address.error().text);
  }
  settings.unix_mode = proto.address().pipe().mode();
  for (int i = 0; i < proto.allow_paths_size(); ++i) {
    auto matcher = StringMatcher::from(proto.allow_paths(i));
    if (matcher) {
      settings.allow_paths.push_back(*std::move(matcher));
    } else {
      const Where here = at.field("allow_paths").index(static_cast<size_t>(i));
      here.field(matcher.error().field).error(matcher.error().text);
    }
  }
  if (at.report().errors() != before) return std::nullopt;
  return settings;
}

}  // namespace weir::admin
