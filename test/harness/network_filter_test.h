// NetworkFilterTest is the fixture of a network filter's tests: the filter's type as it registers
// itself, plans made from JSON, and a connection that is only facts.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test/harness/connection.h"
#include "weir/filter_registry.h"

namespace weir::test {

template <typename Proto>
class NetworkFilterTest : public testing::Test {
 protected:
  using Kind = NetworkVerdict::Kind;

  explicit NetworkFilterTest(void (*install)(FilterRegistry&)) { install(registry_); }

  Result<PlanPtr> plan(const std::string& json) {
    Proto proto;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &proto).ok()) << json;
    google::protobuf::Any any;
    any.PackFrom(proto);
    return type().plan(any, build_);
  }
  const NetworkFilterType& type() {
    return *registry_.findNetworkByConfig(Proto::descriptor()->full_name());
  }

  FilterRegistry registry_;
  ConnectionPlanBuild build_;
  FakeConnection connection_;
};

}  // namespace weir::test
