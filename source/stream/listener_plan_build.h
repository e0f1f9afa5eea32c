// A ListenerPlanBuild is the PlanBuild of what stands in a listener and serves no HTTP: network
// filters, access logs of connections. It reports below the place it was made for.
#pragma once

#include "source/cluster/cluster.h"
#include "source/stream/hcm_builder.h"
#include "weir/plan_build.h"

namespace weir::stream {

class ListenerPlanBuild final : public PlanBuild {
 public:
  ListenerPlanBuild(const BuildContext& context, const Where& at, StatScope stats)
      : PlanBuild(std::move(stats)), context_(context), at_(at) {}

  Result<Done> unpack(const google::protobuf::Any& any, google::protobuf::Message& into) override {
    const size_t before = at_.report().errors();
    if (context_.unpack(any, into, at_) && at_.report().errors() == before) return Done{};
    return Error{"", ""};  // reported in detail already
  }
  bool hasCluster(std::string_view name) const override {
    return context_.cluster_slot(name) != cluster::kNoSlot;
  }
  void warn(std::string_view field, std::string_view text) override {
    (field.empty() ? at_ : at_.field(field)).warning(std::string(text));
  }
  std::string_view nodeCluster() const override { return context_.proxy.service_cluster; }
  uint32_t workers() const override { return context_.workers; }
  RuntimeKey runtime(std::string_view key) override { return keyOf(context_.runtime, key); }
  // A connection has no stream to wait in.
  Background background(Background::Work) override { return {}; }
  void tell(const Error& error) const {
    if (error.text.empty()) return;
    (error.field.empty() ? at_ : at_.field(error.field)).error(error.text);
  }

 private:
  const BuildContext& context_;
  const Where at_;
};

}  // namespace weir::stream
