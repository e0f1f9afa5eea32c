#include "source/telemetry/decision_record.h"

#include <algorithm>

#include "source/telemetry/json_text.h"
#include "source/telemetry/log_time.h"
#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

constexpr std::array<std::string_view, 11> kRouteOutcomes = {
    "chosen",  "path", "method", "header",   "query",   "cookie",
    "runtime", "grpc", "tls",    "metadata", "disabled"};
constexpr std::array<std::string_view, 5> kFilterOutcomes = {"passed", "waited", "replied",
                                                             "failed", "cancelled"};
constexpr std::array<std::string_view, 12> kFailures = {
    "none",           "connect_failed", "connect_timeout", "connection_closed", "connection_reset",
    "protocol_error", "limit_exceeded", "timeout",         "refused",           "stream_reset",
    "stream_refused", "cancelled"};
static_assert(static_cast<size_t>(RouteOutcome::Disabled) + 1 == kRouteOutcomes.size());
static_assert(static_cast<size_t>(FilterOutcome::Cancelled) + 1 == kFilterOutcomes.size());
static_assert(static_cast<size_t>(FailureKind::Cancelled) + 1 == kFailures.size());

uint32_t microsSince(SteadyTime start, SteadyTime then) {
  if (then == SteadyTime{}) return DecisionRecord::kNever;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(then - start).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(micros, 0, DecisionRecord::kNever - 1));
}

// Writes an object's members, the empty ones left out.
class Members {
 public:
  explicit Members(std::string& to) : to_(to) { to_.push_back('{'); }
  ~Members() { to_.push_back('}'); }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  void key(std::string_view name) {
    if (!std::exchange(first_, false)) to_.push_back(',');
    appendJsonString(to_, name);
    to_.push_back(':');
  }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    appendJsonString(to_, value);
  }
  template <size_t Size>
  void text(std::string_view name, const ShortText<Size>& value) {
    if (value.view().empty()) return;
    text(name, value.isTruncated() ? std::string(value.view()) + "…" : std::string(value.view()));
  }
  void number(std::string_view name, uint64_t value) {
    key(name);
    appendNumber(to_, value);
  }
  void micros(std::string_view name, uint32_t value) {
    if (value != DecisionRecord::kNever) number(name, value);
  }
  // "name":[item(0),…]; `count` may be more than were kept.
  template <typename Item>
  void list(std::string_view name, size_t count, size_t kept, Item item) {
    if (count == 0) return;
    key(name);
    to_.push_back('[');
    for (size_t i = 0; i < std::min(count, kept); ++i) {
      if (i > 0) to_.push_back(',');
      Members members(to_);
      item(members, i);
    }
    to_.push_back(']');
    if (count > kept) number(std::string(name) + "_not_kept", count - kept);
  }

 private:
  std::string& to_;
  bool first_ = true;
};

std::string flagsText(uint32_t bits) {
  std::string text;
  for (int i = 0; i < static_cast<int>(ResponseFlag::kCount); ++i) {
    if (((bits >> i) & 1) == 0) continue;
    if (!text.empty()) text.push_back(',');
    text.append(shortName(static_cast<ResponseFlag>(i)));
  }
  return text;
}

}  // namespace

void DecisionRecord::finish(const StreamInfo& info) {
  stream_id_ = info.stream_id;
  connection_id_ = info.connection_id;
  wall_micros_ =
      std::chrono::duration_cast<std::chrono::microseconds>(info.start_wall.time_since_epoch())
          .count();
  request_end_ = microsSince(info.start, info.last_downstream_rx);
  upstream_start_ = microsSince(info.start, info.first_upstream_tx);
  response_start_ = microsSince(info.start, info.first_upstream_rx);
  end_ = microsSince(info.start, info.end);
  flags_ = info.flags.bits();
  code_ = info.response_code;
  protocol_ = info.protocol;
  if (info.request != nullptr) {
    method_.set(info.request->method_name);
    path_.set(info.request->path);
    authority_.set(info.request->authority);
  }
  route_.set(info.route_name);
  virtual_host_.set(info.virtual_host);
  cluster_.set(info.cluster);
  details_.set(info.details);
}

void DecisionRecord::appendJson(std::string& to, std::span<const std::string_view> filters) const {
  Members record(to);
  record.number("stream_id", stream_id_);
  record.number("connection_id", connection_id_);
  std::string start;
  LogTime("%Y-%m-%dT%H:%M:%E6SZ").append(start, WallTime(std::chrono::microseconds(wall_micros_)));
  record.text("start", start);
  record.text("protocol", protocolName(protocol_));
  record.text("method", method_);
  record.text("authority", authority_);
  record.text("path", path_);
  record.text("virtual_host", virtual_host_);
  record.text("route", route_);
  record.text("cluster", cluster_);
  record.number("code", code_);
  record.text("flags", flagsText(flags_));
  record.text("details", details_);
  record.micros("request_end_us", request_end_);
  record.micros("upstream_start_us", upstream_start_);
  record.micros("response_start_us", response_start_);
  record.micros("end_us", end_);
  record.list("routes", candidate_count_, kCandidates, [&](Members& item, size_t i) {
    item.number("order", candidate_order_[i]);
    item.text("outcome", kRouteOutcomes[static_cast<size_t>(candidate_outcome_[i])]);
  });
  record.list("filters", verdict_count_, kVerdicts, [&](Members& item, size_t i) {
    const size_t index = verdict_filter_[i];
    if (index < filters.size()) {
      item.text("filter", filters[index]);
    } else {
      item.number("filter", index);
    }
    item.text("outcome", kFilterOutcomes[static_cast<size_t>(verdict_outcome_[i])]);
    item.number("us", verdict_micros_[i]);
  });
  record.list("attempts", attempt_count_, kAttempts, [&](Members& item, size_t i) {
    item.text("endpoint", attempt_endpoint_[i]);
    item.text("failure", kFailures[static_cast<size_t>(attempt_failure_[i])]);
    item.number("us", attempt_micros_[i]);
  });
}

}  // namespace weir::telemetry
