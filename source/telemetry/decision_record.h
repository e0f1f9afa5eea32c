// A DecisionRecord is what Weir decided about one request and why: which routes were looked at and
// refused, what each filter said, which endpoints were tried, when things happened, how it ended.
// One is filled for every request, in the stream's memory, and copied into the worker's
// DecisionRing at the end; so it has a fixed size, no pointers, and truncates what does not fit.
//
//   (addCandidate | addVerdict | addAttempt)* finish
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "weir/result.h"
#include "weir/short_copy.h"
#include "weir/stream_info.h"

namespace weir::telemetry {

// Why a route that was looked at is not the one taken; Chosen for the one that is.
enum class RouteOutcome : uint8_t {
  Chosen,
  Path,
  Method,
  Header,
  Query,
  Cookie,
  Runtime,
  Grpc,
  Tls,
  Metadata,
  Disabled
};

// What a filter's hook answered; Waited: it passed after waiting for something.
enum class FilterOutcome : uint8_t { Passed, Waited, Replied, Failed, Cancelled };

// Text of at most Size bytes inside a record.
template <size_t Size>
class ShortText {
 public:
  void set(std::string_view text) {
    size_ = static_cast<uint8_t>(text.size() < Size ? text.size() : Size);
    copyShort(data_.data(), text.data(), size_);
    truncated_ = text.size() > Size ? 1 : 0;
  }
  std::string_view view() const { return {data_.data(), size_}; }
  bool isTruncated() const { return truncated_ != 0; }

 private:
  static_assert(Size < 128);
  std::array<char, Size> data_;
  uint8_t size_ : 7 = 0;
  uint8_t truncated_ : 1 = 0;
};

class DecisionRecord {
 public:
  static constexpr size_t kCandidates = 8;
  static constexpr size_t kVerdicts = 12;
  static constexpr size_t kAttempts = 4;
  static constexpr uint32_t kNever = ~uint32_t{0};

  // Later ones than fit are only counted.
  void addCandidate(uint32_t order, RouteOutcome outcome) {
    if (candidate_count_ < kCandidates) {
      candidate_order_[candidate_count_] = order;
      candidate_outcome_[candidate_count_] = outcome;
    }
    candidate_count_ += candidate_count_ < 255 ? 1 : 0;
  }
  void addVerdict(uint8_t filter, FilterOutcome outcome, uint32_t micros) {
    if (verdict_count_ < kVerdicts) {
      verdict_micros_[verdict_count_] = micros;
      verdict_filter_[verdict_count_] = filter;
      verdict_outcome_[verdict_count_] = outcome;
    }
    verdict_count_ += verdict_count_ < 255 ? 1 : 0;
  }
  void addAttempt(std::string_view endpoint, FailureKind failure, uint32_t micros) {
    if (attempt_count_ < kAttempts) {
      attempt_micros_[attempt_count_] = micros;
      attempt_failure_[attempt_count_] = failure;
      attempt_endpoint_[attempt_count_].set(endpoint);
    }
    attempt_count_ += attempt_count_ < 255 ? 1 : 0;
  }
  // Takes over what the stream knows at its end.
  void finish(const StreamInfo& info);

  uint64_t streamId() const { return stream_id_; }
  uint64_t connectionId() const { return connection_id_; }
  // When the request began, since the epoch.
  int64_t wallMicros() const { return wall_micros_; }

  // One JSON object. `filters` names the filters by index; without a name the index is printed.
  void appendJson(std::string& to, std::span<const std::string_view> filters = {}) const;

 private:
  uint64_t stream_id_ = 0;
  uint64_t connection_id_ = 0;
  int64_t wall_micros_ = 0;  // start, since the epoch
  // Microseconds since the start.
  uint32_t request_end_ = kNever;
  uint32_t upstream_start_ = kNever;
  uint32_t response_start_ = kNever;
  uint32_t end_ = kNever;
  uint32_t flags_ = 0;
  uint16_t code_ = 0;
  Protocol protocol_ = Protocol::Http11;
  uint8_t candidate_count_ = 0;
  uint8_t verdict_count_ = 0;
  uint8_t attempt_count_ = 0;
  std::array<RouteOutcome, kCandidates> candidate_outcome_;
  std::array<uint8_t, kVerdicts> verdict_filter_;
  std::array<FilterOutcome, kVerdicts> verdict_outcome_;
  std::array<FailureKind, kAttempts> attempt_failure_;
  std::array<uint32_t, kCandidates> candidate_order_;
  std::array<uint32_t, kVerdicts> verdict_micros_;
  std::array<uint32_t, kAttempts> attempt_micros_;
  std::array<ShortText<24>, kAttempts> attempt_endpoint_;
  ShortText<7> method_;
  ShortText<71> path_;
  ShortText<31> authority_;
  ShortText<27> route_;
  ShortText<15> virtual_host_;
  ShortText<31> cluster_;
  ShortText<31> details_;
};

static_assert(sizeof(DecisionRecord) <= 504);  // and a sequence number make 512
static_assert(std::is_trivially_copyable_v<DecisionRecord>);

}  // namespace weir::telemetry
