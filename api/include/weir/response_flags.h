// ResponseFlags say why a response is what it is, under Envoy's names: for access logs, statistics
// and decision records. Values; immutable names.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

// Envoy's response flags, in the order of their bits. shortName()/longName() give "UH" and
// "NoHealthyUpstream". One flag, one cause: the reason string tells more.
enum class ResponseFlag : uint8_t {
  FailedLocalHealthCheck,            // LH
  NoHealthyUpstream,                 // UH
  UpstreamRequestTimeout,            // UT
  LocalReset,                        // LR
  UpstreamRemoteReset,               // UR
  UpstreamConnectionFailure,         // UF
  UpstreamConnectionTermination,     // UC
  UpstreamOverflow,                  // UO
  NoRouteFound,                      // NR
  DelayInjected,                     // DI
  FaultInjected,                     // FI
  RateLimited,                       // RL
  UnauthorizedExternalService,       // UAEX
  RateLimitServiceError,             // RLSE
  DownstreamConnectionTermination,   // DC
  UpstreamRetryLimitExceeded,        // URX
  StreamIdleTimeout,                 // SI
  InvalidEnvoyRequestHeaders,        // IH
  DownstreamProtocolError,           // DPE
  UpstreamMaxStreamDurationReached,  // UMSDR
  ResponseFromCacheFilter,           // RFCF
  NoFilterConfigFound,               // NFCF
  DurationTimeout,                   // DT
  UpstreamProtocolError,             // UPE
  NoClusterFound,                    // NC
  OverloadManager,                   // OM
  DnsResolutionFailed,               // DF
  DropOverload,                      // DO
  DownstreamRemoteReset,             // DR
  UnconditionalDropOverload,         // UDO
  kCount,
};

std::string_view shortName(ResponseFlag flag);
std::string_view longName(ResponseFlag flag);

class ResponseFlags {
 public:
  void set(ResponseFlag flag) { bits_ |= 1u << static_cast<int>(flag); }
  bool has(ResponseFlag flag) const { return (bits_ >> static_cast<int>(flag)) & 1; }
  bool any() const { return bits_ != 0; }
  uint32_t bits() const { return bits_; }

 private:
  uint32_t bits_ = 0;
};

}  // namespace weir
