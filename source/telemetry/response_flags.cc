#include "weir/response_flags.h"

#include <array>

#include "weir/log_moment.h"

namespace weir {
namespace {

struct FlagName {
  std::string_view short_name;
  std::string_view long_name;
};

// In the order of ResponseFlag. The texts are Envoy's.
constexpr std::array<FlagName, static_cast<size_t>(ResponseFlag::kCount)> kFlags = {{
    {"LH", "FailedLocalHealthCheck"},
    {"UH", "NoHealthyUpstream"},
    {"UT", "UpstreamRequestTimeout"},
    {"LR", "LocalReset"},
    {"UR", "UpstreamRemoteReset"},
    {"UF", "UpstreamConnectionFailure"},
    {"UC", "UpstreamConnectionTermination"},
    {"UO", "UpstreamOverflow"},
    {"NR", "NoRouteFound"},
    {"DI", "DelayInjected"},
    {"FI", "FaultInjected"},
    {"RL", "RateLimited"},
    {"UAEX", "UnauthorizedExternalService"},
    {"RLSE", "RateLimitServiceError"},
    {"DC", "DownstreamConnectionTermination"},
    {"URX", "UpstreamRetryLimitExceeded"},
    {"SI", "StreamIdleTimeout"},
    {"IH", "InvalidEnvoyRequestHeaders"},
    {"DPE", "DownstreamProtocolError"},
    {"UMSDR", "UpstreamMaxStreamDurationReached"},
    {"RFCF", "ResponseFromCacheFilter"},
    {"NFCF", "NoFilterConfigFound"},
    {"DT", "DurationTimeout"},
    {"UPE", "UpstreamProtocolError"},
    {"NC", "NoClusterFound"},
    {"OM", "OverloadManagerTerminated"},
    {"DF", "DnsResolutionFailed"},
    {"DO", "DropOverload"},
    {"DR", "DownstreamRemoteReset"},
    {"UDO", "UnconditionalDropOverload"},
}};

}  // namespace

std::string_view shortName(ResponseFlag flag) {
  return kFlags[static_cast<size_t>(flag)].short_name;
}

std::string_view longName(ResponseFlag flag) { return kFlags[static_cast<size_t>(flag)].long_name; }

std::string_view momentName(LogMoment moment) {
  switch (moment) {
    case LogMoment::TcpUpstreamConnected:
      return "TcpUpstreamConnected";
    case LogMoment::TcpPeriodic:
      return "TcpPeriodic";
    case LogMoment::TcpConnectionStart:
      return "TcpConnectionStart";
    case LogMoment::TcpConnectionEnd:
      return "TcpConnectionEnd";
    case LogMoment::DownstreamEnd:
      break;
  }
  return "DownstreamEnd";
}

}  // namespace weir
