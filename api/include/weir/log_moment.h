// A LogMoment says when a line of an access log is written.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

// The numbers are those of Envoy's AccessLogType.
enum class LogMoment : uint8_t {
  TcpUpstreamConnected = 1,
  TcpPeriodic = 2,
  TcpConnectionEnd = 3,
  DownstreamEnd = 6,
  TcpConnectionStart = 14,
};

std::string_view momentName(LogMoment moment);

}  // namespace weir
