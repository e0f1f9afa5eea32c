// An AccessLogPlan is the compiled form of a list of envoy.config.accesslog.v3.AccessLog: for each
// logger a filter, and a format with a file, or some other sink. Built on the main thread with the
// configuration that holds it; log() is called on workers when a request has ended and never waits.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/telemetry/access_log_filter.h"
#include "source/telemetry/access_log_format.h"
#include "source/telemetry/access_log_json.h"
#include "source/telemetry/log_sink.h"
#include "source/telemetry/log_thread.h"
#include "weir/plan_build.h"

namespace envoy::config::accesslog::v3 {
class AccessLog;
}
namespace envoy::config::core::v3 {
class SubstitutionFormatString;
}

namespace weir::telemetry {

// Where lines go: text or JSON. Exactly one of the two is set.
struct CompiledFormat {
  std::optional<AccessLogFormat> text;
  std::optional<AccessLogJson> json;

  void append(std::string& line, const StreamInfo& info) const;
  const std::vector<std::string>& unsupported() const;
};

// Also what compiles a local reply's body_format. `field` is the message's path.
std::optional<CompiledFormat> compileFormat(
    const envoy::config::core::v3::SubstitutionFormatString& proto, const std::string& field,
    std::vector<Error>& errors);

class AccessLogPlan {
 public:
  using Protos = google::protobuf::RepeatedPtrField<envoy::config::accesslog::v3::AccessLog>;

  AccessLogPlan() = default;  // logs nothing
  // Appends every error it finds, fields starting with `field` ("access_log"); operators that are
  // accepted but always empty become warnings. Opens the files. `sinks` makes what is no file;
  // null: there is nothing else.
  static AccessLogPlan from(const Protos& protos, const std::string& field, PlanBuild& build,
                            LogThread& files, const RuntimeKeys& runtime,
                            std::vector<Error>& errors, LogSinks* sinks = nullptr);

  bool empty() const { return logs_.empty(); }
  void log(const StreamInfo& info, const LogFacts& facts = {}) const;

 private:
  struct Log {
    AccessLogFilter filter;
    CompiledFormat format;
    std::shared_ptr<LogFile> file;        // null: `sink` takes it
    std::shared_ptr<const LogSink> sink;  // needs no format
  };
  std::vector<Log> logs_;
};

}  // namespace weir::telemetry
