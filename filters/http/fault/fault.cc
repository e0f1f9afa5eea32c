// Delays and aborts requests on purpose, to see how clients bear it. A delay comes first, an abort
// may follow; the client itself may ask for either where the configuration lets it.
#include <atomic>
#include <charconv>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"
#include "weir/header_matcher.h"
#include "weir/percentage.h"

namespace weir::filters::fault {
namespace {

namespace v3 = envoy::extensions::filters::http::fault::v3;
using FaultDelay = envoy::extensions::filters::common::fault::v3::FaultDelay;
using std::chrono::milliseconds;

constexpr std::string_view kNode = "x-envoy-downstream-service-node";

// Shared by the plan of the filter and those of its routes.
struct Counts {
  Counter aborts, delays, overflow;
  Gauge active;
  std::atomic<uint64_t> active_now{0};  // across workers, for the limit
};

std::optional<uint64_t> numberIn(const RequestHead& head, std::string_view name) {
  const auto text = head.fields.get(name);
  if (!text) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

struct Delay {
  bool by_header = false;
  milliseconds fixed{0};
  RuntimeKey runtime_ms;  // instead, while it has a number
  RuntimePercentage share;
};

struct Abort {
  bool by_header = false;
  uint16_t status = 0;
  std::optional<uint32_t> grpc_status;
  RuntimeKey runtime_status;  // instead of the one of them that is set
  std::string body = "fault filter abort";
  RuntimePercentage share;
};

struct Plan {
  std::optional<Delay> delay;
  std::optional<Abort> abort;
  std::string cluster;
  std::vector<HeaderMatcher> headers;
  std::set<std::string, std::less<>> nodes;
  uint64_t max_active = UINT64_MAX;
  RuntimeKey runtime_max_active;
  std::shared_ptr<Counts> counts;

  static Result<Plan> from(const v3::HTTPFault& proto, PlanBuild& build);
  static Result<Plan> forRoute(const Plan& base, std::span<const v3::HTTPFault> levels,
                               PlanBuild& build) {
    auto plan = from(levels.back(), build);
    if (plan) plan->counts = base.counts;
    return plan;
  }

  std::optional<Error> readDelay(const v3::HTTPFault& filter, PlanBuild& build);
  std::optional<Error> readAbort(const v3::HTTPFault& filter, PlanBuild& build);
};

// As in Envoy there is a key where none is named, too.
RuntimeKey keyOr(const std::string& named, std::string_view usual, PlanBuild& build) {
  return build.runtime(named.empty() ? usual : std::string_view(named));
}

std::optional<Error> Plan::readDelay(const v3::HTTPFault& filter, PlanBuild& build) {
  const FaultDelay& proto = filter.delay();
  Delay made;
  made.share = {
      Percentage::from(proto.percentage()),
      keyOr(filter.delay_percent_runtime(), "fault.http.delay.fixed_delay_percent", build)};
  made.runtime_ms =
      keyOr(filter.delay_duration_runtime(), "fault.http.delay.fixed_duration_ms", build);
  made.by_header = proto.has_header_delay();
  if (proto.has_fixed_delay()) {
    made.fixed = milliseconds(proto.fixed_delay().seconds() * 1000 +
                              proto.fixed_delay().nanos() / 1'000'000);
    if (made.fixed.count() <= 0)
      return Error{"delay.fixed_delay", "expected a time of at least 1ms"};
  } else if (!made.by_header) {
    return Error{"delay", "expected fixed_delay or header_delay"};
  }
  if (made.share.fallback.never() && filter.delay_percent_runtime().empty())
    build.warn("delay.percentage", "is 0, or not set: no request is delayed");
  delay = made;
  return std::nullopt;
}

std::optional<Error> Plan::readAbort(const v3::HTTPFault& filter, PlanBuild& build) {
  const v3::FaultAbort& proto = filter.abort();
  Abort made;
  made.share = {Percentage::from(proto.percentage()),
                keyOr(filter.abort_percent_runtime(), "fault.http.abort.abort_percent", build)};
  if (!proto.response_body().empty()) made.body = proto.response_body();
  switch (proto.error_type_case()) {
    case v3::FaultAbort::kHttpStatus:
      if (proto.http_status() < 200 || proto.http_status() > 599) {
        return Error{"abort.http_status",
                     "expected 200 to 599, found " + std::to_string(proto.http_status())};
      }
      made.status = static_cast<uint16_t>(proto.http_status());
      made.runtime_status =
          keyOr(filter.abort_http_status_runtime(), "fault.http.abort.http_status", build);
      break;
    case v3::FaultAbort::kGrpcStatus:
      made.status = 200;
      made.grpc_status = proto.grpc_status();
      made.runtime_status =
          keyOr(filter.abort_grpc_status_runtime(), "fault.http.abort.grpc_status", build);
      break;
    case v3::FaultAbort::kHeaderAbort:
      made.by_header = true;
      break;
    case v3::FaultAbort::ERROR_TYPE_NOT_SET:
      return Error{"abort", "expected http_status, grpc_status or header_abort"};
  }
  if (made.share.fallback.never() && filter.abort_percent_runtime().empty())
    build.warn("abort.percentage", "is 0, or not set: no request is aborted");
  abort = std::move(made);
  return std::nullopt;
}

Result<Plan> Plan::from(const v3::HTTPFault& proto, PlanBuild& build) {
  Plan plan;
  if (proto.has_response_rate_limit()) {
    return Error{"response_rate_limit", "slowing responses down is not supported yet; remove it"};
  }
  if (proto.has_delay()) {
    if (auto error = plan.readDelay(proto, build)) return *error;
  }
  if (proto.has_abort()) {
    if (auto error = plan.readAbort(proto, build)) return *error;
  }
  for (int i = 0; i < proto.headers_size(); ++i) {
    auto matcher = HeaderMatcher::from(proto.headers(i));
    if (!matcher) {
      return Error{"headers[" + std::to_string(i) + "]." + matcher.error().field,
                   matcher.error().text};
    }
    plan.headers.push_back(*std::move(matcher));
  }
  plan.cluster = proto.upstream_cluster();
  plan.nodes.insert(proto.downstream_nodes().begin(), proto.downstream_nodes().end());
  if (proto.has_max_active_faults()) plan.max_active = proto.max_active_faults().value();
  if (proto.has_filter_metadata()) build.warn("filter_metadata", "is not kept anywhere");
  if (!proto.response_rate_limit_percent_runtime().empty())
    build.warn("response_rate_limit_percent_runtime", "responses are not slowed down");
  plan.runtime_max_active =
      keyOr(proto.max_active_faults_runtime(), "fault.http.max_active_faults", build);
  const StatScope stats = build.stats.scope("fault");
  plan.counts = std::make_shared<Counts>();
  plan.counts->aborts = stats.counter("aborts_injected");
  plan.counts->delays = stats.counter("delays_injected");
  plan.counts->overflow = stats.counter("faults_overflow");
  plan.counts->active = stats.gauge("active_faults");
  return plan;
}

class Fault final : public Filter {
 public:
  explicit Fault(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    if (plan_.counts->active_now.load(std::memory_order_relaxed) >=
        plan_.runtime_max_active.number().value_or(plan_.max_active)) {
      plan_.counts->overflow.add();
      return Verdict::pass();
    }
    if (!concerns(head, stream)) return Verdict::pass();
    const milliseconds delay = delayOf(head, stream);
    if (delay.count() == 0) return abortOrPass(head, stream);
    plan_.counts->delays.add();
    stream.setFlag(ResponseFlag::DelayInjected);
    activate();
    return Verdict::wait(delayed(delay, head, stream));
  }

  void onDone(const StreamInfo&, Stream&) override {
    if (!active_) return;
    plan_.counts->active_now.fetch_sub(1, std::memory_order_relaxed);
    plan_.counts->active.sub();
  }

 private:
  bool concerns(const RequestHead& head, Stream& stream) const {
    if (!plan_.cluster.empty() && stream.routeCluster() != plan_.cluster) return false;
    if (!plan_.nodes.empty() && plan_.nodes.count(head.fields.get(kNode).value_or("")) == 0)
      return false;
    for (const HeaderMatcher& matcher : plan_.headers) {
      if (!matcher.matches(head)) return false;
    }
    return true;
  }

  // A client may ask for less than the configured share, never for more.
  static bool happens(const RuntimePercentage& configured, const RequestHead& head,
                      std::string_view header, Stream& stream) {
    Percentage share = configured.now();
    if (const auto wanted = header.empty() ? std::nullopt : numberIn(head, header)) {
      share.numerator = static_cast<uint32_t>(std::min<uint64_t>(*wanted, share.numerator));
    }
    return share.includes(stream.random());
  }

  milliseconds delayOf(const RequestHead& head, Stream& stream) const {
    if (!plan_.delay) return {};
    const Delay& delay = *plan_.delay;
    const std::string_view percentage =
        delay.by_header ? "x-envoy-fault-delay-request-percentage" : "";
    if (!happens(delay.share, head, percentage, stream)) return {};
    constexpr uint64_t kLongest = 24 * 3'600'000;  // beyond it nobody waits
    if (!delay.by_header) {
      const auto said = delay.runtime_ms.number();
      return said ? milliseconds(std::min(*said, kLongest)) : delay.fixed;
    }
    return milliseconds(
        std::min(numberIn(head, "x-envoy-fault-delay-request").value_or(0), kLongest));
  }

  Task<Verdict> delayed(milliseconds delay, RequestHead& head, Stream& stream) {
    co_await stream.sleep(delay);
    co_return abortOrPass(head, stream);
  }

  Verdict abortOrPass(const RequestHead& head, Stream& stream) {
    if (!plan_.abort) return Verdict::pass();
    LocalReply reply;
    reply.status = plan_.abort->status;
    reply.grpc_status = plan_.abort->grpc_status;
    takeRuntime(reply);
    if (plan_.abort->by_header && !askedAbort(head, reply)) return Verdict::pass();
    const std::string_view percentage =
        plan_.abort->by_header ? "x-envoy-fault-abort-request-percentage" : "";
    if (!happens(plan_.abort->share, head, percentage, stream)) return Verdict::pass();
    plan_.counts->aborts.add();
    activate();
    reply.body = plan_.abort->body;
    reply.details = "fault_filter_abort";
    reply.flag = ResponseFlag::FaultInjected;
    return Verdict::reply(reply);
  }

  void takeRuntime(LocalReply& reply) const {
    const auto said = plan_.abort->runtime_status.number();
    if (!said) return;
    if (reply.grpc_status) {
      reply.grpc_status = static_cast<uint32_t>(std::min<uint64_t>(*said, UINT32_MAX));
    } else if (*said >= 200 && *said < 600) {
      reply.status = static_cast<uint16_t>(*said);
    }
  }

  static bool askedAbort(const RequestHead& head, LocalReply& reply) {
    const auto status = numberIn(head, "x-envoy-fault-abort-request");
    if (status && *status >= 200 && *status < 600) {
      reply.status = static_cast<uint16_t>(*status);
      return true;
    }
    const auto grpc = numberIn(head, "x-envoy-fault-abort-grpc-request");
    if (!grpc || *grpc > UINT32_MAX) return false;
    reply.status = 200;
    reply.grpc_status = static_cast<uint32_t>(*grpc);
    return true;
  }

  // A request with several faults is one active fault.
  void activate() {
    if (std::exchange(active_, true)) return;
    plan_.counts->active_now.fetch_add(1, std::memory_order_relaxed);
    plan_.counts->active.add();
  }

  const Plan& plan_;
  bool active_ = false;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::HTTPFault, Plan, Fault, v3::HTTPFault>("envoy.filters.http.fault");
}

}  // namespace weir::filters::fault
