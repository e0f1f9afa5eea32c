// NetworkFilterTypes maps the type of a configuration message to the network filter it configures.
// Part of the FilterRegistry: filled once at start, read-only afterwards.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <deque>
#include <memory>
#include <string_view>
#include <utility>

#include "weir/filter_type.h"
#include "weir/network_filter.h"
#include "weir/plan_build.h"

namespace weir {

struct NetworkFilterType {
  std::string_view name;  // "envoy.filters.network.rbac"
  const google::protobuf::Message* config;
  Result<PlanPtr> (*plan)(const google::protobuf::Any&, PlanBuild&);
  std::unique_ptr<NetworkFilter> (*make)(const void* plan);
  bool terminal;  // answers every connection: nothing may follow
};

namespace registry_detail {

template <typename Plan>
Result<PlanPtr> share(Result<Plan> plan) {
  if (!plan) return std::move(plan.error());
  return PlanPtr(std::make_shared<const Plan>(*std::move(plan)));
}

template <typename Proto, typename Plan>
Result<PlanPtr> planFrom(const google::protobuf::Any& any, PlanBuild& build) {
  Proto proto;
  if (auto read = build.unpack(any, proto); !read) return std::move(read.error());
  return share<Plan>(Plan::from(proto, build));
}

}  // namespace registry_detail

class NetworkFilterTypes {
 public:
  // `terminal`: it passes no connection on, so that it may be the last one of its chain.
  template <typename Proto, typename Plan, typename F>
  void addNetwork(std::string_view name, bool terminal = false) {
    network_types_.push_back({.name = name,
                              .config = &Proto::default_instance(),
                              .plan = registry_detail::planFrom<Proto, Plan>,
                              .make = [](const void* plan) -> std::unique_ptr<NetworkFilter> {
                                return std::make_unique<F>(*static_cast<const Plan*>(plan));
                              },
                              .terminal = terminal});
  }

  const NetworkFilterType* findNetworkByConfig(std::string_view message) const {
    for (const NetworkFilterType& type : network_types_) {
      if (type.config->GetDescriptor()->full_name() == message) return &type;
    }
    return nullptr;
  }

 private:
  std::deque<NetworkFilterType> network_types_;  // addresses stay
};

}  // namespace weir
