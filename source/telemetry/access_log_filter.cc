#include "source/telemetry/access_log_filter.h"

#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "weir/grpc.h"
#include "weir/header_matcher.h"

namespace weir::telemetry {
namespace {

namespace v3 = envoy::config::accesslog::v3;
using Proto = v3::AccessLogFilter;

// splitmix64, one state a thread: sampling needs no better randomness.
uint64_t randomNumber() {
  static thread_local uint64_t t_state = [] {
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
      seed = reinterpret_cast<uintptr_t>(&seed);
    return seed;
  }();
  uint64_t z = (t_state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// The first eight hex digits of a request id: all logs and all hops then sample the same requests.
std::optional<uint64_t> numberOfId(std::string_view request_id) {
  if (request_id.size() < 8) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(request_id.data(), request_id.data() + 8, number, 16);
  if (error != std::errc() || end != request_id.data() + 8) return std::nullopt;
  return number;
}

}  // namespace

AccessLogFilter AccessLogFilter::from(const Proto& proto, const RuntimeKeys& runtime,
                                      const std::string& field, std::vector<Error>& errors) {
  AccessLogFilter made;
  const auto refuse = [&](const char* name, const char* why) {
    errors.push_back({field + "." + name, why});
  };
  switch (proto.filter_specifier_case()) {
    case Proto::kStatusCodeFilter:
      made.kind_ = Kind::StatusCode;
      made.compare(proto.status_code_filter().comparison(), runtime,
                   field + ".status_code_filter.comparison", errors);
      break;
    case Proto::kDurationFilter:
      made.kind_ = Kind::Duration;
      made.compare(proto.duration_filter().comparison(), runtime,
                   field + ".duration_filter.comparison", errors);
      break;
    case Proto::kNotHealthCheckFilter:
      made.kind_ = Kind::NotHealthCheck;
      break;
    case Proto::kTraceableFilter:
      made.kind_ = Kind::Traceable;
      break;
    case Proto::kRuntimeFilter:
      made.sample(proto.runtime_filter(), runtime, field + ".runtime_filter", errors);
      break;
    case Proto::kAndFilter:
      made.kind_ = Kind::And;
      made.combine(proto.and_filter().filters(), runtime, field + ".and_filter", errors);
      break;
    case Proto::kOrFilter:
      made.kind_ = Kind::Or;
      made.combine(proto.or_filter().filters(), runtime, field + ".or_filter", errors);
      break;
    case Proto::kHeaderFilter:
      made.header(proto.header_filter(), field + ".header_filter.header", errors);
      break;
    case Proto::kResponseFlagFilter:
      made.flags(proto.response_flag_filter(), field + ".response_flag_filter.flags", errors);
      break;
    case Proto::kGrpcStatusFilter:
      made.grpc(proto.grpc_status_filter());
      break;
    case Proto::kLogTypeFilter:
      made.logType(proto.log_type_filter());
      break;
    case Proto::kExtensionFilter:
      refuse("extension_filter", "filters by extension (CEL and others) are not implemented");
      break;
    case Proto::kMetadataFilter:
      refuse("metadata_filter", "filtering by dynamic metadata is not implemented");
      break;
    case Proto::FILTER_SPECIFIER_NOT_SET:
      errors.push_back({field, "expected one of the filters, found none"});
      break;
  }
  return made;
}

template <typename Filters>
void AccessLogFilter::combine(const Filters& filters, const RuntimeKeys& runtime,
                              const std::string& field, std::vector<Error>& errors) {
  if (filters.size() < 2) errors.push_back({field, "expected at least 2 filters"});
  for (const Proto& child : filters) {
    const std::string at = field + ".filters[" + std::to_string(children_.size()) + "]";
    children_.push_back(from(child, runtime, at, errors));
  }
}

void AccessLogFilter::header(const v3::HeaderFilter& proto, const std::string& field,
                             std::vector<Error>& errors) {
  kind_ = Kind::Header;
  auto matcher = HeaderMatcher::from(proto.header());
  if (matcher) {
    header_ = std::make_shared<const HeaderMatcher>(*std::move(matcher));
  } else {
    errors.push_back({field + "." + matcher.error().field, matcher.error().text});
  }
}

void AccessLogFilter::compare(const v3::ComparisonFilter& proto, const RuntimeKeys& runtime,
                              const std::string& field, std::vector<Error>& errors) {
  static_assert(static_cast<int>(Compare::NotEqual) == v3::ComparisonFilter::NE);
  if (!v3::ComparisonFilter::Op_IsValid(proto.op()))
    errors.push_back({field + ".op", "unknown operation"});
  if (!proto.has_value()) errors.push_back({field + ".value", "expected a value, found none"});
  compare_ = static_cast<Compare>(proto.op());
  value_ = proto.value().default_value();
  runtime_ = keyOf(runtime, proto.value().runtime_key());
}

void AccessLogFilter::sample(const v3::RuntimeFilter& proto, const RuntimeKeys& runtime,
                             const std::string& field, std::vector<Error>& errors) {
  using Percent = envoy::type::v3::FractionalPercent;
  kind_ = Kind::Runtime;
  if (proto.runtime_key().empty())
    errors.push_back({field + ".runtime_key", "expected a key, found none"});
  runtime_ = keyOf(runtime, proto.runtime_key());
  independent_ = proto.use_independent_randomness();
  value_ = proto.percent_sampled().numerator();
  switch (proto.percent_sampled().denominator()) {
    case Percent::HUNDRED:
      whole_ = 100;
      break;
    case Percent::TEN_THOUSAND:
      whole_ = 10'000;
      break;
    case Percent::MILLION:
      whole_ = 1'000'000;
      break;
    default:
      errors.push_back({field + ".percent_sampled.denominator", "unknown denominator"});
      break;
  }
}

void AccessLogFilter::flags(const v3::ResponseFlagFilter& proto, const std::string& field,
                            std::vector<Error>& errors) {
  kind_ = Kind::Flags;
  for (int i = 0; i < proto.flags_size(); ++i) {
    int flag = 0;
    while (flag < static_cast<int>(ResponseFlag::kCount) &&
           shortName(static_cast<ResponseFlag>(flag)) != proto.flags(i)) {
      ++flag;
    }
    if (flag == static_cast<int>(ResponseFlag::kCount)) {
      errors.push_back({field + "[" + std::to_string(i) + "]",
                        "'" + proto.flags(i) + "' is not a response flag (UH, UF, UT, …)"});
      continue;
    }
    bits_ |= 1u << flag;
  }
}

void AccessLogFilter::grpc(const v3::GrpcStatusFilter& proto) {
  kind_ = Kind::Grpc;
  exclude_ = proto.exclude();
  for (int status : proto.statuses()) {
    if (status >= 0 && status < 32) bits_ |= 1u << status;
  }
}

void AccessLogFilter::logType(const v3::LogTypeFilter& proto) {
  kind_ = Kind::Moment;
  exclude_ = proto.exclude();
  for (const int type : proto.types()) {
    if (type >= 0 && type < 32) bits_ |= 1u << type;
  }
}

bool AccessLogFilter::compared(uint64_t value) const {
  const uint64_t with = threshold();
  switch (compare_) {
    case Compare::Equal:
      return value == with;
    case Compare::AtLeast:
      return value >= with;
    case Compare::AtMost:
      return value <= with;
    case Compare::NotEqual:
      return value != with;
  }
  return false;
}

bool AccessLogFilter::sampled(const StreamInfo& info) const {
  std::optional<uint64_t> number;
  if (!independent_) number = numberOfId(info.request_id);
  if (!number) number = randomNumber();
  return *number % whole_ < threshold();
}

bool AccessLogFilter::matches(const StreamInfo& info, const LogFacts& facts) const {
  const auto matching = [&](const AccessLogFilter& child) { return child.matches(info, facts); };
  switch (kind_) {
    case Kind::Always:
      return true;
    case Kind::StatusCode:
      return compared(info.response_code);
    case Kind::Duration: {
      const auto lasted =
          std::chrono::duration_cast<std::chrono::milliseconds>(info.end - info.start);
      return info.end != SteadyTime{} && compared(static_cast<uint64_t>(lasted.count()));
    }
    case Kind::NotHealthCheck:
      return !facts.is_health_check;
    case Kind::Traceable:
      return facts.is_traced;
    case Kind::Runtime:
      return sampled(info);
    case Kind::And:
      return std::all_of(children_.begin(), children_.end(), matching);
    case Kind::Or:
      return std::any_of(children_.begin(), children_.end(), matching);
    case Kind::Header:
      return info.request != nullptr && header_->matches(*info.request);
    case Kind::Flags:
      return bits_ == 0 ? info.flags.any() : (info.flags.bits() & bits_) != 0;
    case Kind::Grpc: {
      const uint32_t status = grpc::statusOf(info);
      const bool named = status < 32 && ((bits_ >> status) & 1) != 0;
      return named != exclude_;
    }
    case Kind::Moment:
      return (((bits_ >> static_cast<uint32_t>(info.moment)) & 1) != 0) != exclude_;
  }
  return true;
}

}  // namespace weir::telemetry
