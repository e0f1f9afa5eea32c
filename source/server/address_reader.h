// Reads addresses and socket options of a configuration. Main thread.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "envoy/config/core/v3/address.pb.h"
#include "source/listener/socket_options.h"
#include "source/net/address.h"
#include "weir/report.h"
#include "weir/result.h"

namespace weir::server {

// An address of a listener or the admin server: IP and port, or a unix socket. No names.
Result<net::Address> readAddress(const envoy::config::core::v3::Address& proto);

void readSocketOptions(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::SocketOption>& protos,
    const Where& at, listener::SocketOptions& into);
void readKeepalive(const envoy::config::core::v3::TcpKeepalive& proto, const Where& at,
                   listener::SocketOptions& into);

}  // namespace weir::server
