#include "source/cluster/same_connections.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::cluster {
namespace {

using ClusterProto = envoy::config::cluster::v3::Cluster;

ClusterProto read(const std::string& fields) {
  ClusterProto proto;
  const std::string json = R"({"name": "c", "connect_timeout": "1s")" + fields + "}";
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &proto).ok()) << json;
  return proto;
}

bool same(const std::string& one, const std::string& other = {}) {
  return sameConnections(read(one), read(other));
}

TEST(SameConnections, WhatAConnectionDoesNotDependOn) {
  EXPECT_TRUE(same(R"(, "type": "EDS", "eds_cluster_config": {"service_name": "s"})"));
  EXPECT_TRUE(same(R"(, "lb_policy": "RANDOM", "common_lb_config": {"zone_aware_lb_config": {}})"));
  EXPECT_TRUE(same(R"(, "circuit_breakers": {"thresholds": [{"max_requests": 7}]})"));
  EXPECT_TRUE(same(R"(, "metadata": {"filter_metadata": {"a": {"b": 1}}})"));
  EXPECT_TRUE(same(R"(, "health_checks": [{"timeout": "1s"}], "outlier_detection": {})"));
  EXPECT_TRUE(same(R"(, "load_assignment": {"cluster_name": "c"}, "dns_refresh_rate": "3s")"));
  ClusterProto slower = read("");
  slower.mutable_connect_timeout()->set_seconds(9);
  EXPECT_TRUE(sameConnections(read(""), slower));
}

TEST(SameConnections, WhatItDependsOn) {
  const std::string tls =
      R"(, "transport_socket": {"name": "tls", "typed_config": {"@type": "type.googleapis.com/)"
      R"(google.protobuf.StringValue", "value": ")";
  EXPECT_FALSE(same(tls + R"(a"}})"));
  EXPECT_FALSE(same(tls + R"(a"}})", tls + R"(b"}})"));
  EXPECT_TRUE(same(tls + R"(a"}})", tls + R"(a"}})"));
  EXPECT_FALSE(same(R"(, "http2_protocol_options": {})"));
  EXPECT_FALSE(same(R"(, "common_http_protocol_options": {"idle_timeout": "1s"})"));
  EXPECT_FALSE(same(R"(, "typed_extension_protocol_options": {"k": {"@type": )"
                    R"("type.googleapis.com/google.protobuf.StringValue", "value": "v"}})"));
  EXPECT_FALSE(same(R"(, "upstream_bind_config": {"freebind": true})"));
  EXPECT_FALSE(same(R"(, "upstream_connection_options": {"tcp_keepalive": {}})"));
  EXPECT_FALSE(same(R"(, "per_connection_buffer_limit_bytes": 7)"));
  EXPECT_FALSE(same(R"(, "alt_stat_name": "other")")) << "they are counted elsewhere";
}

TEST(SameConnections, FieldsThatNobodyHasHeardOfCount) {
  ClusterProto odd = read("");
  odd.GetReflection()->MutableUnknownFields(&odd)->AddVarint(4711, 1);
  EXPECT_FALSE(sameConnections(read(""), odd));
}

}  // namespace
}  // namespace weir::cluster
