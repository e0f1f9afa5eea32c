// A socket address as the message that configurations and admin answers carry.
#pragma once

#include "envoy/config/core/v3/address.pb.h"
#include "source/net/address.h"

namespace weir::admin {

inline void writeAddress(const net::Address& address, envoy::config::core::v3::Address& to) {
  if (address.isUnix()) {
    to.mutable_pipe()->set_path(address.ipText());
    return;
  }
  to.mutable_socket_address()->set_address(address.ipText());
  to.mutable_socket_address()->set_port_value(address.port());
}

}  // namespace weir::admin
