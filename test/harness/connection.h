// What tests of network filters share: a Plan made of JSON, and a connection to decide about.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "weir/network_filter.h"
#include "weir/plan_build.h"

namespace weir::test {

class ConnectionPlanBuild final : public PlanBuild {
 public:
  explicit ConnectionPlanBuild(StatScope stats = StatScope()) : PlanBuild(std::move(stats)) {}
  Result<Done> unpack(const google::protobuf::Any& any, google::protobuf::Message& into) override {
    if (any.UnpackTo(&into)) return Done{};
    return Error{"", "not the message"};
  }
  bool hasCluster(std::string_view) const override { return true; }
  void warn(std::string_view field, std::string_view) override { warned = field; }
  Background background(Background::Work) override { return {}; }

  std::string warned;  // the last field that was warned of
};

template <typename Plan, typename Proto>
Result<Plan> planOf(const std::string& json, StatScope stats = StatScope()) {
  Proto proto;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
  EXPECT_TRUE(status.ok()) << status.ToString() << json;
  ConnectionPlanBuild build(std::move(stats));
  return Plan::from(proto, build);
}

// From 192.0.2.7:5000 to 10.0.0.1:443, until a test says otherwise.
class FakeConnection final : public NetworkConnection, Metadata {
 public:
  FakeConnection() {
    facts.remote = facts.direct_remote = IpAddress::parse("192.0.2.7");
    facts.local = IpAddress::parse("10.0.0.1");
    facts.remote_port = 5000;
    facts.local_port = 443;
    facts.transport_protocol = "raw_buffer";
    facts.metadata = this;
  }
  const ConnectionView& view() const override { return facts; }
  void setMetadata(std::string_view space, std::string_view key, std::string_view value) override {
    metadata[std::string(space) + ":" + std::string(key)] = value;
  }
  uint64_t random() override { return 0; }

  ConnectionView facts;
  std::map<std::string, std::string> metadata;  // "space:key"

 private:
  Found append(std::string& to, std::string_view space,
               std::span<const std::string> keys) const override {
    const auto found = metadata.find(std::string(space) + ":" + (keys.empty() ? "" : keys[0]));
    if (found == metadata.end()) return Found::Nothing;
    to += found->second;
    return Found::Text;
  }
};

}  // namespace weir::test
