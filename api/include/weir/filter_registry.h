// The FilterRegistry maps the type of a configuration message to the filter it configures. Filled
// once at start by the generated builtin_filters.cc, read-only afterwards.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <concepts>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weir/filter.h"
#include "weir/filter_type.h"
#include "weir/network_filter_types.h"
#include "weir/plan_build.h"

namespace weir {

namespace registry_detail {

template <typename F>
constexpr uint8_t hooksOf() {
  uint8_t hooks = 0;
  if (!std::is_same_v<decltype(&F::onRequest), decltype(&Filter::onRequest)>) hooks |= kOnRequest;
  if (!std::is_same_v<decltype(&F::onRequestBody), decltype(&Filter::onRequestBody)>)
    hooks |= kOnRequestBody;
  if (!std::is_same_v<decltype(&F::onRequestTrailers), decltype(&Filter::onRequestTrailers)>)
    hooks |= kOnRequestTrailers;
  if (!std::is_same_v<decltype(&F::onResponse), decltype(&Filter::onResponse)>)
    hooks |= kOnResponse;
  if (!std::is_same_v<decltype(&F::onResponseBody), decltype(&Filter::onResponseBody)>)
    hooks |= kOnResponseBody;
  if (!std::is_same_v<decltype(&F::onResponseTrailers), decltype(&Filter::onResponseTrailers)>)
    hooks |= kOnResponseTrailers;
  if (!std::is_same_v<decltype(&F::onDone), decltype(&Filter::onDone)>) hooks |= kOnDone;
  if (!std::is_same_v<decltype(&F::onAttempt), decltype(&Filter::onAttempt)>) hooks |= kOnAttempt;
  return hooks;
}

template <typename RouteProto, typename Plan>
Result<PlanPtr> routePlanFrom(const void* base, std::span<const google::protobuf::Any* const> anys,
                              PlanBuild& build) {
  std::vector<RouteProto> levels(anys.size());
  for (size_t i = 0; i < anys.size(); ++i) {
    if (auto read = build.unpack(*anys[i], levels[i]); !read) return std::move(read.error());
  }
  if constexpr (requires {
                  Plan::forRoute(*static_cast<const Plan*>(base), std::span<const RouteProto>(),
                                 build);
                }) {
    return share<Plan>(Plan::forRoute(*static_cast<const Plan*>(base), levels, build));
  } else {
    return share<Plan>(Plan::from(levels.back(), build));
  }
}

}  // namespace registry_detail

class FilterRegistry : public NetworkFilterTypes {
 public:
  // RouteProto: the message allowed in typed_per_filter_config; void when there is none.
  template <typename Proto, typename Plan, typename F, typename RouteProto = void>
  void add(std::string_view name) {
    FilterType type{};
    type.name = name;
    type.config = &Proto::default_instance();
    type.plan = registry_detail::planFrom<Proto, Plan>;
    if constexpr (!std::is_void_v<RouteProto>) {
      type.route_config = &RouteProto::default_instance();
      type.route_plan = registry_detail::routePlanFrom<RouteProto, Plan>;
    }
    type.place = [](Arena& arena, const void* plan) -> Filter* {
      return arena.make<F>(*static_cast<const Plan*>(plan));
    };
    type.hooks = registry_detail::hooksOf<F>();
    type.request_body = [](const void* plan) {
      if constexpr (requires(const Plan& p) { p.requestBody(); }) {
        return static_cast<const Plan*>(plan)->requestBody();
      }
      return (registry_detail::hooksOf<F>() & kOnRequestBody) != 0 ? BodyNeed::stream()
                                                                   : BodyNeed::none();
    };
    type.response_body = [](const void* plan) {
      if constexpr (requires(const Plan& p) { p.responseBody(); }) {
        return static_cast<const Plan*>(plan)->responseBody();
      }
      return (registry_detail::hooksOf<F>() & kOnResponseBody) != 0 ? BodyNeed::stream()
                                                                    : BodyNeed::none();
    };
    types_.push_back(type);
  }

  // The router: has a Plan but no Filter, because the stream itself forwards.
  template <typename Proto, typename Plan>
  void addTerminal(std::string_view name) {
    FilterType type{};
    type.name = name;
    type.config = &Proto::default_instance();
    type.plan = registry_detail::planFrom<Proto, Plan>;
    type.request_body = type.response_body = [](const void*) { return BodyNeed::none(); };
    type.terminal = true;
    types_.push_back(type);
  }

  // By full message name ("envoy.extensions.filters.http.cors.v3.Cors"); null when there is none.
  const FilterType* findByConfig(std::string_view message) const {
    for (const FilterType& type : types_) {
      if (type.config->GetDescriptor()->full_name() == message) return &type;
    }
    return nullptr;
  }
  const std::deque<FilterType>& types() const { return types_; }

 private:
  std::deque<FilterType> types_;  // addresses stay
};

}  // namespace weir
