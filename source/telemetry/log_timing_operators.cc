// Operators that print times and durations.
#include <array>

#include "source/telemetry/log_operator.h"

namespace weir::telemetry {
namespace {

using Moment = SteadyTime StreamInfo::*;

LogValue between(SteadyTime from, SteadyTime to, int64_t ticks) {
  if (from == SteadyTime{} || to == SteadyTime{}) return LogValue::none();
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count();
  return LogValue{LogValue::Kind::Number, {}, nanos / ticks};
}

template <Moment From, Moment To>
LogValue milliseconds(const LogArgs&, const StreamInfo& info, std::string&) {
  return between(info.*From, info.*To, 1'000'000);
}

Result<LogArgs> prepareTime(std::string_view parameter) {
  LogArgs args;
  args.time = LogTime(parameter);
  return args;
}

LogValue startTime(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  args.time.append(scratch, info.start_wall);
  return LogValue::ofNonEmpty(scratch);
}

struct NamedMoment {
  std::string_view name;
  Moment moment;  // null: Envoy knows it, Weir does not record it yet
};

constexpr std::array<NamedMoment, 14> kMoments = {{
    {"DS_RX_BEG", &StreamInfo::start},
    {"DS_RX_END", &StreamInfo::last_downstream_rx},
    {"US_TX_BEG", &StreamInfo::first_upstream_tx},
    {"US_TX_END", &StreamInfo::last_upstream_tx},
    {"US_RX_BEG", &StreamInfo::first_upstream_rx},
    {"US_RX_END", &StreamInfo::last_upstream_rx},
    {"DS_TX_BEG", &StreamInfo::first_downstream_tx},
    {"DS_TX_END", &StreamInfo::last_downstream_tx},
    {"US_CX_BEG", nullptr},
    {"US_CX_END", nullptr},
    {"US_HS_END", nullptr},
    {"US_RX_BODY_BEG", nullptr},
    {"DS_CX_BEG", nullptr},
    {"DS_CX_END", nullptr},
}};

// Other names are points that filters set, which are never set here.
Moment momentOf(std::string_view name) {
  for (const NamedMoment& known : kMoments) {
    if (known.name == name) return known.moment;
  }
  return nullptr;
}

// "START:END:PRECISION"
Result<LogArgs> prepareDuration(std::string_view parameter) {
  const size_t first = parameter.find(':');
  const size_t second = first == std::string_view::npos ? first : parameter.find(':', first + 1);
  if (second == std::string_view::npos) return Error{"", "expected START:END:PRECISION"};
  const std::string_view precision = parameter.substr(second + 1);
  LogArgs args;
  args.from = momentOf(parameter.substr(0, first));
  args.to = momentOf(parameter.substr(first + 1, second - first - 1));
  if (precision == "ms") {
    args.ticks = 1'000'000;
  } else if (precision == "us") {
    args.ticks = 1'000;
  } else if (precision != "ns") {
    return Error{"", "unknown precision '" + std::string(precision) + "', expected ms, us or ns"};
  }
  return args;
}

LogValue commonDuration(const LogArgs& args, const StreamInfo& info, std::string&) {
  if (args.from == nullptr || args.to == nullptr) return LogValue::none();
  return between(info.*args.from, info.*args.to, args.ticks);
}

}  // namespace

const std::vector<LogOperatorRow>& timingOperators() {
  static const std::vector<LogOperatorRow> kRows = {
      {"START_TIME", &startTime, &prepareTime},
      {"DURATION", &milliseconds<&StreamInfo::start, &StreamInfo::end>},
      {"REQUEST_DURATION", &milliseconds<&StreamInfo::start, &StreamInfo::last_downstream_rx>},
      {"REQUEST_TX_DURATION", &milliseconds<&StreamInfo::start, &StreamInfo::last_upstream_tx>},
      {"RESPONSE_DURATION", &milliseconds<&StreamInfo::start, &StreamInfo::first_upstream_rx>},
      {"RESPONSE_TX_DURATION",
       &milliseconds<&StreamInfo::first_upstream_rx, &StreamInfo::last_downstream_tx>},
      {"COMMON_DURATION", &commonDuration, &prepareDuration, true},
  };
  return kRows;
}

}  // namespace weir::telemetry
