// What tests of planCluster share: clusters written as JSON, and what was said of them.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "source/cluster/cluster_plan.h"

namespace weir::cluster {

using Paths = std::vector<std::string>;

struct Planned {
  std::optional<ClusterPlan> plan;
  std::vector<Problem> problems;

  Paths paths(Severity severity) const {
    Paths out;
    for (const Problem& problem : problems) {
      if (problem.severity == severity) out.push_back(problem.path);
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  Paths errors() const { return paths(Severity::Error); }
  Paths warnings() const { return paths(Severity::Warning); }
  std::string text() const {
    std::string all;
    for (const Problem& problem : problems) all += problem.path + ": " + problem.text + "\n";
    return all;
  }
};

inline Planned plan(const std::string& json) {
  envoy::config::cluster::v3::Cluster proto;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
  EXPECT_TRUE(status.ok()) << status.ToString() << json;
  Report report;
  Planned planned;
  planned.plan = planCluster(proto, Where(report));
  planned.problems = report.sorted();
  EXPECT_EQ(planned.plan.has_value(), report.ok());
  return planned;
}

// A cluster of one endpoint, with more fields.
inline Planned planWith(const std::string& fields) {
  return plan(R"({"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [{
      "lb_endpoints": [{"endpoint": {"address": {"socket_address":
        {"address": "127.0.0.1", "port_value": 80}}}}]}]}, )" +
              fields + "}");
}

// An LbEndpoint, with more fields of it.
inline std::string endpoint(const std::string& address, int port, const std::string& more = "") {
  return R"({"endpoint": {"address": {"socket_address": {"address": ")" + address +
         R"(", "port_value": )" + std::to_string(port) + "}}}" + more + "}";
}

// A cluster of these localities, with more fields (", \"type\": …").
inline Planned planEndpoints(const std::string& localities, const std::string& more = "") {
  return plan(R"({"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [)" +
              localities + "]}" + more + "}");
}

}  // namespace weir::cluster
