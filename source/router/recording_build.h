// For tests: a RouteBuild that knows clusters by name and keeps what it is told, and a request that
// owns its arena.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/router/route_table.h"

namespace weir::router {

class RecordingBuild final : public RouteBuild {
 public:
  // Names that start with "absent" are not clusters.
  uint32_t clusterSlot(std::string_view name) override {
    if (name.starts_with("absent")) return kNoCluster;
    for (uint32_t i = 0; i < clusters.size(); ++i) {
      if (clusters[i] == name) return i;
    }
    clusters.emplace_back(name);
    return static_cast<uint32_t>(clusters.size() - 1);
  }
  // Names that start with "coming" may be, later.
  bool isThere(std::string_view name) override {
    return !name.starts_with("coming") && RouteBuild::isThere(name);
  }
  void error(std::string field, std::string text) override {
    errors.push_back(std::move(field) + ": " + text);
  }
  void warn(std::string field, std::string text) override {
    warnings.push_back(std::move(field) + ": " + text);
  }
  bool validatesClusters() const override { return validates; }
  RuntimeKey runtime(std::string_view key) override {
    auto& cell = cells[std::string(key)];
    if (cell == nullptr) cell = std::make_shared<RuntimeCell>();
    return RuntimeKey(cell);
  }

  std::string allErrors() const {
    std::string out;
    for (const std::string& one : errors) out += one + "\n";
    return out;
  }

  std::vector<std::string> clusters;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  bool validates = false;
  std::map<std::string, std::shared_ptr<RuntimeCell>> cells;  // that were asked for
};

struct TestRequest {
  TestRequest(std::string_view method, std::string_view host, std::string_view path) : head(arena) {
    head.setMethod(arena.copy(method));
    head.authority = arena.copy(host);
    head.path = arena.copy(path);
    head.scheme = "http";
    info.request = &head;
  }
  TestRequest& with(std::string_view name, std::string_view value) {
    head.fields.add(asciiLower(name), value);  // as a codec would
    return *this;
  }

  ChunkPool pool;
  Arena arena{pool};
  RequestHead head;
  StreamInfo info;
};

inline envoy::config::route::v3::RouteConfiguration routesFromJson(const std::string& json) {
  envoy::config::route::v3::RouteConfiguration proto;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json;
  return proto;
}

}  // namespace weir::router
