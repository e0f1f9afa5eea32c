// An AccessLogFilter decides whether a finished request is logged: a compiled
// envoy.config.accesslog.v3.AccessLogFilter. Built on the main thread with a configuration;
// immutable, used by every worker at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/result.h"
#include "weir/runtime.h"
#include "weir/stream_info.h"

namespace envoy::config::accesslog::v3 {
class AccessLogFilter;
class ComparisonFilter;
class GrpcStatusFilter;
class HeaderFilter;
class LogTypeFilter;
class ResponseFlagFilter;
class RuntimeFilter;
}  // namespace envoy::config::accesslog::v3

namespace weir {
class HeaderMatcher;
}

namespace weir::telemetry {

// What filters ask that StreamInfo does not tell.
struct LogFacts {
  bool is_health_check = false;
  bool is_traced = false;
};

class AccessLogFilter {
 public:
  AccessLogFilter() = default;  // logs everything
  // Errors' fields are relative to the message; all of them are appended.
  static AccessLogFilter from(const envoy::config::accesslog::v3::AccessLogFilter& proto,
                              const RuntimeKeys& runtime, const std::string& field,
                              std::vector<Error>& errors);

  bool matches(const StreamInfo& info, const LogFacts& facts = {}) const;

 private:
  enum class Kind : uint8_t {
    Always,
    StatusCode,
    Duration,
    NotHealthCheck,
    Traceable,
    Runtime,
    And,
    Or,
    Header,
    Flags,
    Grpc,
    Moment
  };
  enum class Compare : uint8_t { Equal, AtLeast, AtMost, NotEqual };

  template <typename Filters>
  void combine(const Filters& filters, const RuntimeKeys& runtime, const std::string& field,
               std::vector<Error>& errors);
  void header(const envoy::config::accesslog::v3::HeaderFilter&, const std::string& field,
              std::vector<Error>& errors);
  void compare(const envoy::config::accesslog::v3::ComparisonFilter&, const RuntimeKeys& runtime,
               const std::string& field, std::vector<Error>& errors);
  void sample(const envoy::config::accesslog::v3::RuntimeFilter&, const RuntimeKeys& runtime,
              const std::string& field, std::vector<Error>& errors);
  void flags(const envoy::config::accesslog::v3::ResponseFlagFilter&, const std::string& field,
             std::vector<Error>& errors);
  void grpc(const envoy::config::accesslog::v3::GrpcStatusFilter&);
  void logType(const envoy::config::accesslog::v3::LogTypeFilter&);

  bool compared(uint64_t value) const;
  bool sampled(const StreamInfo& info) const;
  uint64_t threshold() const { return runtime_.number().value_or(value_); }

  Kind kind_ = Kind::Always;
  Compare compare_ = Compare::Equal;
  bool exclude_ = false;      // gRPC and type filters
  bool independent_ = false;  // Runtime: not by the request id
  uint32_t value_ = 0;        // compared with; or the sampled part of `whole_`
  uint32_t whole_ = 100;
  uint32_t bits_ = 0;   // flags; or a bit for each gRPC status or moment
  RuntimeKey runtime_;  // instead of `value_`
  std::shared_ptr<const HeaderMatcher> header_;
  std::vector<AccessLogFilter> children_;
};

}  // namespace weir::telemetry
