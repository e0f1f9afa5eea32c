// A log operator is one %COMMAND(parameter):length% of an access-log format: what Envoy calls a
// command operator. It is looked up and its parameter checked once, when the format is compiled;
// then value() reads one StreamInfo, allocating nothing in the steady state. Compiled operators are
// immutable and shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/telemetry/log_time.h"
#include "weir/fields.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir::telemetry {

// What an operator found: nothing ("-", or null in JSON), text, a number, or text that is JSON.
struct LogValue {
  enum class Kind : uint8_t { None, Text, Number, Json };

  Kind kind = Kind::None;
  std::string_view text;
  int64_t number = 0;

  static LogValue none() { return {}; }
  static LogValue ofText(std::string_view text) { return {Kind::Text, text, 0}; }
  static LogValue ofJson(std::string_view text) { return {Kind::Json, text, 0}; }
  // An empty text is nothing.
  static LogValue ofNonEmpty(std::string_view text) { return text.empty() ? none() : ofText(text); }
  static LogValue ofNumber(uint64_t number) {
    return {Kind::Number, {}, static_cast<int64_t>(number)};
  }
};

// A header as the format names it: a field, or a pseudo-header.
struct HeaderRef {
  enum class Source : uint8_t { Nothing, Field, Method, Path, Authority, Scheme, Status };

  Source source = Source::Nothing;
  HeaderName name = HeaderId::Other;

  static Result<HeaderRef> parse(std::string_view name);
  std::string_view of(const RequestHead& head) const;
};

struct LogArgs;

// A compiled operator. `scratch` holds texts that have to be composed; the value may point into it,
// so it is used before the next call.
class LogOperator {
 public:
  using Getter = LogValue (*)(const LogArgs&, const StreamInfo&, std::string& scratch);
  static constexpr uint32_t kWhole = ~uint32_t{0};

  // `max_length` cuts texts, in bytes. The error names the operator nearest to an unknown one.
  static Result<LogOperator> compile(std::string_view command, std::string_view parameter,
                                     bool has_parameter, uint32_t max_length = kWhole);

  LogValue value(const StreamInfo& info, std::string& scratch) const;
  // False: accepted, but always empty, since Weir does not know the value yet.
  bool isSupported() const { return supported_; }

 private:
  Getter get_ = nullptr;
  std::shared_ptr<const LogArgs> args_;
  uint32_t max_length_ = kWhole;
  bool supported_ = true;
};

// Whatever the parameters of an operator were compiled to.
struct LogArgs {
  HeaderRef first;
  HeaderRef second;
  std::string text;
  std::vector<std::string> keys;
  int choice = 0;
  int choice2 = 0;
  SteadyTime StreamInfo::*from = nullptr;
  SteadyTime StreamInfo::*to = nullptr;
  const Metadata* StreamInfo::*metadata = nullptr;
  int64_t ticks = 1;  // nanoseconds in one unit of a duration
  LogTime time;
  std::vector<LogOperator> alternatives;
  bool supported = true;
};

// One row of the table of operators. `prepare` checks and compiles the parameter; null when the
// operator takes none. An operator without `get` is accepted and always empty.
struct LogOperatorRow {
  std::string_view name;
  LogOperator::Getter get = nullptr;
  Result<LogArgs> (*prepare)(std::string_view parameter) = nullptr;
  bool needs_parameter = false;
};

// The rows by subject; compile() looks through all of them.
const std::vector<LogOperatorRow>& messageOperators();      // headers, path, query, grpc status
const std::vector<LogOperatorRow>& streamOperators();       // codes, flags, bytes, names
const std::vector<LogOperatorRow>& timingOperators();       // start time and durations
const std::vector<LogOperatorRow>& addressOperators();      // both sides' addresses
const std::vector<LogOperatorRow>& metadataOperators();     // what filters and configuration say
const std::vector<LogOperatorRow>& tlsOperators();          // both sides' TLS
const std::vector<LogOperatorRow>& unsupportedOperators();  // accepted, always empty

// Parses COALESCE's JSON into LogArgs::alternatives.
Result<LogArgs> prepareCoalesce(std::string_view json);
LogValue firstAlternative(const LogArgs& args, const StreamInfo& info, std::string& scratch);

}  // namespace weir::telemetry
