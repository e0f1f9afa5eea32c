// What the messages say, and what is refused of them.
#include "source/consul/settings.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using google::protobuf::TextFormat;
using testing::ElementsAre;
using testing::HasSubstr;

template <typename Proto>
Proto parsed(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}
std::string agentErrors(const std::string& text) {
  Report report;
  const auto settings = readAgent(parsed<v1::Consul>(text), Where(report).field("consul"));
  EXPECT_NE(settings.has_value(), !report.ok());
  return report.text();
}
std::string serviceErrors(const std::string& text) {
  Report report;
  const auto settings = readService(parsed<v1::ConsulCluster>(text), Where(report).field("c"));
  EXPECT_NE(settings.has_value(), !report.ok());
  return report.text();
}

TEST(ReadAgent, WhatIsNotSaidHasADefault) {
  Report report;
  const auto agent = readAgent(parsed<v1::Consul>("agent_cluster: 'a'"), Where(report));
  ASSERT_TRUE(agent);
  EXPECT_EQ(agent->cluster, "a");
  EXPECT_EQ(agent->wait, 60s);
  EXPECT_EQ(agent->poll, 10s);
  EXPECT_EQ(agent->max_queries, 128u);
  EXPECT_EQ(agent->consistency, AgentSettings::Consistency::Default);
}

TEST(ReadAgent, WhatIsSaidHolds) {
  Report report;
  const auto agent = readAgent(
      parsed<v1::Consul>("agent_cluster: 'a' datacenter: 'd' namespace: 'n' partition: 'p' "
                         "wait { seconds: 30 nanos: 500000000 } poll { seconds: 3 } "
                         "consistency: STALE use_cache: true max_queries { value: 9 }"),
      Where(report));
  ASSERT_TRUE(agent) << report.text();
  EXPECT_EQ(agent->datacenter + agent->name_space + agent->partition, "dnp");
  EXPECT_EQ(agent->wait, 30'500ms);
  EXPECT_EQ(agent->poll, 3s);
  EXPECT_EQ(agent->consistency, AgentSettings::Consistency::Stale);
  EXPECT_TRUE(agent->use_cache);
  EXPECT_EQ(agent->max_queries, 9u);
}

TEST(ReadAgent, RefusesByField) {
  const std::string agent = "agent_cluster: 'a' ";
  EXPECT_THAT(agentErrors(""), HasSubstr("consul.agent_cluster: expected"));
  EXPECT_THAT(agentErrors(agent + "wait { seconds: 0 }"), HasSubstr("consul.wait: expected"));
  EXPECT_THAT(agentErrors(agent + "wait { seconds: 601 }"), HasSubstr("from 1s to 600s"));
  EXPECT_THAT(agentErrors(agent + "poll { seconds: -1 }"), HasSubstr("consul.poll: expected"));
  EXPECT_THAT(agentErrors(agent + "max_queries { value: 0 }"), HasSubstr("consul.max_queries: "));
  EXPECT_THAT(agentErrors(agent + "use_cache: true consistency: CONSISTENT"),
              HasSubstr("consul.use_cache: what is consistent cannot come from a cache"));
  EXPECT_THAT(agentErrors(agent + "token { environment_variable: 'WEIR_CONSUL_NOT_SET' }"),
              HasSubstr("consul.token.environment_variable: 'WEIR_CONSUL_NOT_SET' is not set"));
  EXPECT_THAT(agentErrors(agent + "token { filename: '/nowhere/token' }"),
              HasSubstr("consul.token.filename: cannot read '/nowhere/token'"));
}

TEST(ReadService, ReadsWhatIsAskedFor) {
  Report report;
  const auto service = readService(
      parsed<v1::ConsulCluster>("service: 'web' tags: ['a', 'b'] datacenter: 'd1' near: '_agent' "
                                "filter: 'f' passing_only { value: false } tagged_address: 'wan' "
                                "failover_datacenters: ['d2', 'd3']"),
      Where(report));
  ASSERT_TRUE(service) << report.text();
  EXPECT_EQ(service->name, "web");
  EXPECT_FALSE(service->prepared);
  EXPECT_THAT(service->tags, ElementsAre("a", "b"));
  EXPECT_THAT(service->datacenters, ElementsAre("d1", "d2", "d3"));
  EXPECT_EQ(service->near, "_agent");
  EXPECT_EQ(service->filter, "f");
  EXPECT_FALSE(service->read.passing_only);
  EXPECT_EQ(service->read.address, ReadOptions::From::Tagged);
  EXPECT_EQ(service->read.tag, "wan");
}

TEST(ReadService, OnlyWhatPassesUnlessSaid) {
  Report report;
  const auto service =
      readService(parsed<v1::ConsulCluster>("service: 'web' address: NODE"), Where(report));
  ASSERT_TRUE(service);
  EXPECT_TRUE(service->read.passing_only);
  EXPECT_EQ(service->read.address, ReadOptions::From::Node);
  EXPECT_THAT(service->datacenters, ElementsAre(""));
}

TEST(ReadService, RefusesByField) {
  EXPECT_THAT(serviceErrors(""), HasSubstr("c.service: expected"));
  EXPECT_THAT(serviceErrors("prepared_query: ''"), HasSubstr("c.prepared_query: expected"));
  EXPECT_THAT(serviceErrors("service: 'a' tags: ['b', '']"), HasSubstr("c.tags[1]: expected"));
  EXPECT_THAT(serviceErrors("service: 'a' tagged_address: ''"), HasSubstr("c.tagged_address: "));
  EXPECT_THAT(serviceErrors("service: 'a' datacenter: 'd' failover_datacenters: ['e', 'd']"),
              HasSubstr("c.failover_datacenters[1]: 'd' is asked already"));
  EXPECT_THAT(serviceErrors("service: 'a' failover_datacenters: ['']"),
              HasSubstr("c.failover_datacenters[0]: expected"));
  const std::string both =
      serviceErrors("prepared_query: 'a' tags: 'b' filter: 'c' failover_datacenters: 'd'");
  for (const char* field : {"c.tags: ", "c.filter: ", "c.failover_datacenters: "}) {
    EXPECT_THAT(both, HasSubstr(field));
  }
}

TEST(ReadToken, IsTheTextWithoutTheEndOfItsLine) {
  envoy::config::core::v3::DataSource source;
  EXPECT_EQ(*readToken(source), "");
  source.set_inline_string("secret");
  EXPECT_EQ(*readToken(source), "secret");
  source.set_inline_bytes("secret\r\n");
  EXPECT_EQ(*readToken(source), "secret");
  ::setenv("WEIR_CONSUL_TEST_TOKEN", "from-environment", 1);
  source.set_environment_variable("WEIR_CONSUL_TEST_TOKEN");
  EXPECT_EQ(*readToken(source), "from-environment");
  const std::string path = testing::TempDir() + "/consul_token";
  std::ofstream(path) << "from-file\n";
  source.set_filename(path);
  EXPECT_EQ(*readToken(source), "from-file");
}

TEST(ReadToken, IsNeverQuotedInAnError) {
  envoy::config::core::v3::DataSource source;
  source.set_inline_string("sec\nret");
  const auto token = readToken(source);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().text.find("sec"), std::string::npos);
  source.set_inline_string("\n");
  EXPECT_FALSE(readToken(source));
}

}  // namespace
}  // namespace weir::consul
