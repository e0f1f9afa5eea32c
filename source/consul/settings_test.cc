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

std::optional<CatalogSettings> catalog(const std::string& text, Report& report,
                                       const std::string& datacenter = "") {
  AgentSettings agent;
  agent.datacenter = datacenter;
  auto settings = readCatalog(parsed<v1::Catalog>(text), agent, Where(report).field("c"));
  EXPECT_NE(settings.has_value(), !report.ok());
  return settings;
}
std::string catalogErrors(const std::string& text) {
  Report report;
  catalog(text, report);
  return report.text();
}

std::string registrationErrors(const std::string& text, const std::string& node_id = "n",
                               bool has_admin = true) {
  Report report;
  const auto settings = readRegistration(parsed<v1::Registration>(text), node_id, has_admin,
                                         Where(report).field("r"));
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

TEST(ReadCatalog, WhatIsNotSaidHasADefault) {
  Report report;
  const auto settings = catalog("", report, "d1");
  ASSERT_TRUE(settings) << report.text();
  EXPECT_EQ(settings->clusterOf("web"), "web");
  EXPECT_EQ(settings->datacenter, "d1");
  EXPECT_FALSE(settings->at_once);
}

TEST(ReadCatalog, WhatIsSaidHolds) {
  Report report;
  const auto settings = catalog(
      "enable_tag: 't' cluster_name: '%SERVICE%/%DATACENTER%/%SERVICE%' creation: AT_ONCE "
      "cluster { alt_stat_name: 's' } instances { near: 'n' datacenter: 'd2' } "
      "route_config_name: 'r'",
      report, "d1");
  ASSERT_TRUE(settings) << report.text();
  EXPECT_EQ(settings->clusterOf("web"), "web/d2/web");
  EXPECT_EQ(settings->clusterOf("%SERVICE%"), "%SERVICE%/d2/%SERVICE%") << "its name, as it is";
  EXPECT_EQ(settings->datacenter, "d2") << "whose instances, his services";
  EXPECT_TRUE(settings->at_once);
  EXPECT_EQ(settings->enable_tag + settings->cluster.alt_stat_name() + settings->instances.near() +
                settings->route_config_name,
            "tsnr");
}

TEST(ReadCatalog, RefusesByField) {
  EXPECT_THAT(catalogErrors("cluster_name: 'a'"), HasSubstr("c.cluster_name: expected %SERVICE%"));
  EXPECT_THAT(catalogErrors("cluster_name: '%SERVICE%-%NODE%'"),
              HasSubstr("c.cluster_name: expected nothing in percent signs but"));
  EXPECT_THAT(catalogErrors("cluster_name: '%SERVICE%-%DATACENTER%'"),
              HasSubstr("c.cluster_name: the agent's own datacenter has no name here: say "
                        "Consul.datacenter"));
  EXPECT_THAT(catalogErrors("cluster { name: 'a' type: EDS eds_cluster_config {} "
                            "load_assignment {} }"),
              testing::AllOf(HasSubstr("c.cluster.name: "), HasSubstr("c.cluster.type: "),
                             HasSubstr("c.cluster.eds_cluster_config: "),
                             HasSubstr("c.cluster.load_assignment: ")));
  EXPECT_THAT(catalogErrors("cluster { cluster_type { name: 'a' } }"),
              HasSubstr("c.cluster.cluster_type: the catalog says this itself: remove it"));
  EXPECT_THAT(catalogErrors("instances { service: 'a' }"), HasSubstr("c.instances.service: "));
  EXPECT_THAT(catalogErrors("instances { prepared_query: 'a' }"),
              HasSubstr("c.instances.prepared_query: the catalog names each service itself"));
  EXPECT_THAT(catalogErrors("instances { tags: '' }"), HasSubstr("c.instances.tags[0]: expected"));
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

TEST(ReadRegistration, WhatIsNotSaidHasADefault) {
  Report report;
  const auto made = readRegistration(v1::Registration(), "n1", true, Where(report));
  ASSERT_TRUE(made) << report.text();
  EXPECT_EQ(made->name, "weir");
  EXPECT_EQ(made->id, "weir-n1");
  EXPECT_EQ(made->port, 0);
  EXPECT_EQ(made->target, "") << "the admin interface";
  EXPECT_EQ(made->interval, 10s);
  EXPECT_EQ(made->forgotten_after, 0s);
}

TEST(ReadRegistration, WhatIsSaidHolds) {
  Report report;
  const auto made = readRegistration(
      parsed<v1::Registration>(
          "name: 'edge' id: 'e1' tags: ['a', 'b'] meta { key: 'k' value: 'v' } address: '10.0.0.1' "
          "port: 65535 grpc: '10.0.0.1:80/x' interval { seconds: 1 } "
          "deregister_critical_after { seconds: 60 }"),
      "", false, Where(report));
  ASSERT_TRUE(made) << report.text();
  EXPECT_EQ(made->name + made->id + made->address, "edgee110.0.0.1");
  EXPECT_THAT(made->tags, ElementsAre("a", "b"));
  EXPECT_THAT(made->meta, ElementsAre(testing::Pair("k", "v")));
  EXPECT_EQ(made->port, 65535);
  EXPECT_EQ(made->check, RegistrationSettings::Check::Grpc);
  EXPECT_EQ(made->target, "10.0.0.1:80/x");
  EXPECT_EQ(made->interval, 1s);
  EXPECT_EQ(made->forgotten_after, 60s);
}

TEST(ReadRegistration, RefusesByField) {
  EXPECT_EQ(registrationErrors(""), "");
  EXPECT_THAT(registrationErrors("", ""), HasSubstr("r.id: it has to be unique"));
  EXPECT_THAT(registrationErrors("", "n", false), HasSubstr("r: there is no admin interface"));
  EXPECT_EQ(registrationErrors("http: 'https://h/ready'", "n", false), "");
  EXPECT_THAT(registrationErrors("http: '10.0.0.1:80'"), HasSubstr("r.http: expected a URL"));
  EXPECT_THAT(registrationErrors("http: 'http://'"), HasSubstr("r.http: expected a URL"));
  EXPECT_THAT(registrationErrors("grpc: 'h'"), HasSubstr("r.grpc: expected ADDRESS:PORT"));
  EXPECT_THAT(registrationErrors("port: 65536"), HasSubstr("r.port: expected 1 to 65535"));
  EXPECT_THAT(registrationErrors("tags: ['a', '']"), HasSubstr("r.tags[1]: expected"));
  EXPECT_THAT(registrationErrors("interval { nanos: 5 }"), HasSubstr("r.interval: expected"));
  EXPECT_THAT(registrationErrors("deregister_critical_after { seconds: 59 }"),
              HasSubstr("r.deregister_critical_after: expected a duration from 60s"));
}

TEST(ReadRegistration, MetaIsWhatConsulTakes) {
  const auto meta = [](const std::string& key, const std::string& value) {
    return "meta { key: '" + key + "' value: '" + value + "' } ";
  };
  EXPECT_EQ(registrationErrors(meta(std::string(128, 'k'), std::string(512, 'v'))), "");
  EXPECT_THAT(registrationErrors(meta("a.b", "v")), HasSubstr("r.meta: 'a.b': expected a key"));
  EXPECT_THAT(registrationErrors(meta("", "v")), HasSubstr("r.meta: '': expected a key"));
  EXPECT_THAT(registrationErrors(meta(std::string(129, 'k'), "v")), HasSubstr("expected a key"));
  EXPECT_THAT(registrationErrors(meta("k", std::string(513, 'v'))), HasSubstr("at most 512"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += meta("k" + std::to_string(i), "v");
  EXPECT_THAT(registrationErrors(many), HasSubstr("r.meta: expected at most 64"));
}

}  // namespace
}  // namespace weir::consul
