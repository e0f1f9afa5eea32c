// What TLS found out, as an access log service is told.
#pragma once

#include <string_view>

#include "envoy/data/accesslog/v3/accesslog.pb.h"
#include "weir/tls_facts.h"

namespace weir::access_logs {

// `server_name`: what the client asked for, whoever found that out.
void setTls(const TlsFacts& facts, std::string_view server_name,
            envoy::data::accesslog::v3::AccessLogCommon& to);

}  // namespace weir::access_logs
