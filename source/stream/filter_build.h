// A FilterBuild is what the plan of an HTTP filter is built with; what is wrong is reported below
// the filter's own place. Main thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/stream/background_work.h"
#include "source/stream/hcm_builder.h"

namespace weir::stream {

using BackgroundList = std::vector<std::shared_ptr<BackgroundWork>>;

class FilterBuild final : public PlanBuild {
 public:
  // What the plan wants to do in the background is added to `background`.
  FilterBuild(const BuildContext& context, BackgroundList& background, const Where& at,
              StatScope stats)
      : PlanBuild(std::move(stats)), context_(context), background_(background), at_(at) {}

  Result<Done> unpack(const google::protobuf::Any& any, google::protobuf::Message& into) override {
    Report& report = at_.report();
    const size_t before = report.errors();
    if (context_.unpack(any, into, at_) && report.errors() == before) return Done{};
    return Error{"", ""};  // reported in detail already
  }
  bool hasCluster(std::string_view name) const override {
    return context_.cluster_slot(name) != cluster::kNoSlot;
  }
  void warn(std::string_view field, std::string_view text) override {
    at_.field(field).warning(std::string(text));
  }
  std::string_view nodeCluster() const override { return context_.proxy.service_cluster; }
  Background background(Background::Work work) override {
    background_.push_back(std::make_shared<BackgroundWork>(std::move(work)));
    return Background(background_.back());
  }
  uint32_t workers() const override { return context_.workers; }
  RuntimeKey runtime(std::string_view key) override { return keyOf(context_.runtime, key); }
  void tell(const Error& error) const {
    if (error.text.empty()) return;
    (error.field.empty() ? at_ : at_.field(error.field)).error(error.text);
  }

 private:
  const BuildContext& context_;
  BackgroundList& background_;
  const Where at_;
};

}  // namespace weir::stream
