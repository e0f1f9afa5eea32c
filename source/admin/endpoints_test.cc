#include "source/admin/endpoints.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "envoy/admin/v3/certs.pb.h"
#include "envoy/admin/v3/clusters.pb.h"
#include "envoy/admin/v3/init_dump.pb.h"
#include "envoy/admin/v3/listeners.pb.h"
#include "envoy/admin/v3/memory.pb.h"
#include "source/admin/sample_source.h"

namespace weir::admin {
namespace {

namespace pb = envoy::admin::v3;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class EndpointsTest : public testing::Test {
 protected:
  // The answer with its page, if it has one, as its body.
  Response ask(std::string_view method, std::string_view target, std::string_view form = "") {
    Request request = Request::from(method, target);
    request.addForm(form);
    Response response = answer(request, source_);
    if (response.page) {
      response.page([&](std::string_view piece) { response.body += piece; });
    }
    return response;
  }
  Response get(std::string_view target) { return ask("GET", target); }
  Response post(std::string_view target) { return ask("POST", target); }

  template <typename Message>
  Message parsed(const Response& response) {
    EXPECT_EQ(response.content_type, kJson);
    Message message;
    const auto status = google::protobuf::util::JsonStringToMessage(response.body, &message);
    EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << response.body;
    return message;
  }

  SampleSource source_;
};

TEST_F(EndpointsTest, theTableIsSortedAndItsPathsAreUnique) {
  for (size_t i = 1; i < endpoints().size(); ++i) {
    EXPECT_LT(endpoints()[i - 1].path, endpoints()[i].path);
  }
}

TEST_F(EndpointsTest, anUnknownPathIsToldWhatThereIs) {
  for (const char* path : {"/nope", "/ready/", "/READY", "ready", "/stats/../ready", "*", ""}) {
    const Response response = get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_THAT(response.body,
                StartsWith("invalid path. admin commands are:\n  /: Admin home page\n"));
    EXPECT_THAT(response.body, HasSubstr("\n  /quitquitquit (POST): exit the server\n"));
    EXPECT_THAT(response.body, HasSubstr("\n      format: Format to use; One of (text, json)\n"));
  }
}

TEST_F(EndpointsTest, whatChangesTheServerIsNotDoneByGet) {
  for (const Endpoint& endpoint : endpoints()) {
    if (!endpoint.mutates) continue;
    for (const char* method : {"GET", "HEAD", "PUT"}) {
      const Response response = ask(method, endpoint.path);
      EXPECT_EQ(response.status, 405) << endpoint.path;
      EXPECT_EQ(response.body, "Method " + std::string(method) + " not allowed, POST required.");
    }
  }
  EXPECT_THAT(source_.done, IsEmpty());
}

TEST_F(EndpointsTest, leadingSlashesCountAsOneAndQueriesAreDecoded) {
  EXPECT_EQ(get("//ready").body, "LIVE\n");
  EXPECT_EQ(get("/ready?x=1").body, "LIVE\n");
  EXPECT_THAT(get("/clusters?filter=%5Eo.%2Br%24").body, StartsWith("other::"));
  EXPECT_THAT(get("/clusters?filter=^o.+r$").body, StartsWith("other::"));
}

TEST_F(EndpointsTest, helpAndHomeListEveryEndpoint) {
  const Response home = get("/");
  EXPECT_EQ(home.content_type, kHtml);
  for (const Endpoint& endpoint : endpoints()) {
    EXPECT_THAT(get("/help").body, HasSubstr("  " + std::string(endpoint.path) +
                                             (endpoint.mutates ? " (POST): " : ": ")));
    const std::string name(endpoint.path.substr(1));
    if (!name.empty()) {
      EXPECT_TRUE(home.body.find("href=\"" + name + "\"") != home.body.npos ||
                  home.body.find("action=\"" + name + "\"") != home.body.npos)
          << name;
    }
  }
  EXPECT_THAT(home.body, HasSubstr("action=\"quitquitquit\" method=\"post\""));
  EXPECT_THAT(home.body, HasSubstr("action=\"stats\" method=\"get\""));
}

TEST_F(EndpointsTest, readyFollowsTheState) {
  EXPECT_EQ(get("/ready").status, 200);
  for (const auto& [state, text] : {std::pair{pb::ServerInfo::DRAINING, "DRAINING\n"},
                                    {pb::ServerInfo::PRE_INITIALIZING, "PRE_INITIALIZING\n"},
                                    {pb::ServerInfo::INITIALIZING, "INITIALIZING\n"}}) {
    source_.state_now = state;
    EXPECT_EQ(get("/ready").status, 503);
    EXPECT_EQ(get("/readyz").body, text);
    EXPECT_EQ(get("/livez").status, 200);
  }
}

TEST_F(EndpointsTest, serverInfoPrintsEveryFieldAndNoSecret) {
  const Response response = get("/server_info");
  const auto info = parsed<pb::ServerInfo>(response);
  EXPECT_EQ(info.version(), "0/1.2.3/Clean/RELEASE/OpenSSL");
  EXPECT_EQ(info.uptime_current_epoch().seconds(), 61);
  EXPECT_EQ(info.command_line_options().concurrency(), 2u);
  EXPECT_EQ(info.command_line_options().config_yaml(), "[redacted]");
  EXPECT_EQ(info.node().id(), "n1");
  EXPECT_EQ(info.node().user_agent_name(), "weir");
  EXPECT_THAT(response.body, StartsWith("{\n \"version\": \"0/1.2.3/"));
  EXPECT_THAT(response.body, HasSubstr("\n \"state\": \"LIVE\",\n"));
  EXPECT_THAT(response.body, HasSubstr("\"log_path\": \"\""));
}

TEST_F(EndpointsTest, clustersAsText) {
  EXPECT_EQ(get("/clusters?filter=back").body,
            "back::observability_name::back\n"
            "back::default_priority::max_connections::1024\n"
            "back::default_priority::max_pending_requests::1024\n"
            "back::default_priority::max_requests::1024\n"
            "back::default_priority::max_retries::3\n"
            "back::high_priority::max_connections::1024\n"
            "back::high_priority::max_pending_requests::1024\n"
            "back::high_priority::max_requests::1024\n"
            "back::high_priority::max_retries::7\n"
            "back::added_via_api::false\n"
            "back::127.0.0.1:19873::cx_active::0\n"
            "back::127.0.0.1:19873::cx_connect_fail::0\n"
            "back::127.0.0.1:19873::cx_total::3\n"
            "back::127.0.0.1:19873::rq_active::2\n"
            "back::127.0.0.1:19873::rq_error::0\n"
            "back::127.0.0.1:19873::rq_success::0\n"
            "back::127.0.0.1:19873::rq_timeout::0\n"
            "back::127.0.0.1:19873::rq_total::0\n"
            "back::127.0.0.1:19873::hostname::\n"
            "back::127.0.0.1:19873::health_flags::healthy\n"
            "back::127.0.0.1:19873::weight::1\n"
            "back::127.0.0.1:19873::region::r1\n"
            "back::127.0.0.1:19873::zone::z1\n"
            "back::127.0.0.1:19873::sub_zone::\n"
            "back::127.0.0.1:19873::canary::false\n"
            "back::127.0.0.1:19873::priority::0\n"
            "back::127.0.0.1:19873::success_rate::-1\n"
            "back::127.0.0.1:19873::local_origin_success_rate::-1\n");
  EXPECT_EQ(get("/clusters?filter=none").body, "");
  EXPECT_EQ(get("/clusters?filter=(").status, 400);
  EXPECT_EQ(get("/clusters?filter=(").body, "Invalid re2 regex\n");
}

TEST_F(EndpointsTest, clustersShowTheHealthOfEndpoints) {
  using cluster::Health;
  auto set = std::make_shared<cluster::EndpointSet>();
  for (const Health health :
       {Health::Healthy, Health::Degraded, Health::Unhealthy, Health::Draining}) {
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->health = health;
    set->all.push_back(std::move(endpoint));
  }
  source_.table->front()->publish(std::move(set));
  std::vector<std::string> flags;
  std::istringstream lines(get("/clusters?filter=back").body);
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("::health_flags::");
    if (at != line.npos) flags.push_back(line.substr(at + 16));
  }
  EXPECT_THAT(flags, ElementsAre("healthy", "/degraded_eds_health", "/failed_eds_health",
                                 "/eds_status_draining"));
  const auto proto = parsed<pb::Clusters>(get("/clusters?filter=back&format=json"));
  std::vector<int> statuses;
  for (const pb::HostStatus& host : proto.cluster_statuses(0).host_statuses()) {
    statuses.push_back(host.health_status().eds_health_status());
  }
  using namespace envoy::config::core::v3;
  EXPECT_THAT(statuses, ElementsAre(HEALTHY, DEGRADED, UNHEALTHY, DRAINING));
}

// Discovery publishes while a page thread writes.
TEST_F(EndpointsTest, aClustersEndpointsStayWhileTheirPageIsWritten) {
  const cluster::ClusterPtr& back = source_.table->front();
  auto many = std::make_shared<cluster::EndpointSet>();
  for (int i = 0; i < 200; ++i) many->all.push_back(std::make_shared<cluster::Endpoint>());
  back->publish(std::move(many));
  std::string text;
  size_t pieces = 0;
  answer(Request::from("GET", "/clusters?filter=back"), source_).page([&](std::string_view piece) {
    text += piece;
    ++pieces;
    back->publish(std::make_shared<cluster::EndpointSet>());
  });
  EXPECT_GE(pieces, 2u);
  size_t written = 0;
  for (size_t at = 0; (at = text.find("::hostname::", at)) != text.npos; ++at) ++written;
  EXPECT_EQ(written, 200u);
}

TEST_F(EndpointsTest, clustersAsJson) {
  const Response response = get("/clusters?format=json");
  const auto proto = parsed<pb::Clusters>(response);
  ASSERT_EQ(proto.cluster_statuses_size(), 2);
  const pb::ClusterStatus& back = proto.cluster_statuses(0);
  EXPECT_EQ(back.name(), "back");
  EXPECT_FALSE(back.added_via_api());
  ASSERT_EQ(back.circuit_breakers().thresholds_size(), 2);
  EXPECT_EQ(back.circuit_breakers().thresholds(1).max_retries().value(), 7u);
  ASSERT_EQ(back.host_statuses_size(), 1);
  const pb::HostStatus& host = back.host_statuses(0);
  EXPECT_EQ(host.address().socket_address().port_value(), 19873u);
  EXPECT_EQ(host.locality().region(), "r1");
  std::vector<std::string> names;
  for (const auto& stat : host.stats()) names.push_back(stat.name());
  EXPECT_THAT(names, ElementsAre("cx_connect_fail", "cx_total", "rq_error", "rq_success",
                                 "rq_timeout", "rq_total", "cx_active", "rq_active"));
  EXPECT_EQ(host.stats(1).value(), 3u);
  EXPECT_EQ(host.stats(7).type(), pb::SimpleMetric::GAUGE);
  // 64-bit numbers as strings, defaults left out, as Envoy prints it.
  EXPECT_THAT(response.body, HasSubstr("\"value\": \"3\""));
  EXPECT_THAT(response.body, Not(HasSubstr("\"value\": \"0\"")));
}

TEST_F(EndpointsTest, listenersInBothFormats) {
  EXPECT_EQ(get("/listeners").body, "web::127.0.0.1:10000\nsock::/run/weir.sock\n");
  const auto proto = parsed<pb::Listeners>(get("/listeners?format=json"));
  ASSERT_EQ(proto.listener_statuses_size(), 2);
  EXPECT_EQ(proto.listener_statuses(0).local_address().socket_address().port_value(), 10000u);
  EXPECT_EQ(proto.listener_statuses(1).local_address().pipe().path(), "/run/weir.sock");
}

TEST_F(EndpointsTest, memoryCertsAndInitDumpAreWhatTheirMessagesSay) {
  const auto memory = parsed<pb::Memory>(get("/memory"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(_GLIBCXX_TSAN)  // they bring allocators of their own
  EXPECT_GT(memory.allocated(), 10'000u);
#endif
  EXPECT_GE(memory.heap_size(), memory.allocated());
  EXPECT_GT(memory.total_physical_bytes(), 1'000'000u);
  EXPECT_EQ(parsed<pb::Certificates>(get("/certs")).certificates_size(), 0);
  EXPECT_EQ(get("/certs").body, "{\n \"certificates\": []\n}\n");

  EXPECT_EQ(get("/init_dump").body, "{}\n");
  source_.waiting = {{"Cluster back", {"dns"}}, {"Listener web", {"rds"}}};
  EXPECT_EQ(parsed<pb::UnreadyTargetsDumps>(get("/init_dump")).unready_targets_dumps_size(), 2);
  const auto masked = parsed<pb::UnreadyTargetsDumps>(get("/init_dump?mask=listener"));
  ASSERT_EQ(masked.unready_targets_dumps_size(), 1);
  EXPECT_EQ(masked.unready_targets_dumps(0).target_names(0), "rds");
}

TEST_F(EndpointsTest, decisionsAreAJsonList) {
  EXPECT_EQ(get("/decisions?n=2").body, "{\"decisions\":[\n{\"code\":200},\n{\"code\":200}\n]}\n");
  EXPECT_EQ(get("/decisions?n=0").body, "{\"decisions\":[\n]}\n");
  EXPECT_EQ(get("/decisions?n=-1").status, 400);
  EXPECT_EQ(get("/decisions?n=").status, 400);
}

TEST_F(EndpointsTest, statsInEveryFormat) {
  const Counter counter = StatScope(source_.store).scope("http").counter("rq_total");
  counter.add(5);
  EXPECT_EQ(get("/stats?filter=^http").body, "http.rq_total: 5\n");
  EXPECT_EQ(get("/stats?filter=^http&format=json").body,
            "{\"stats\":[{\"name\":\"http.rq_total\",\"value\":5}]}");
  EXPECT_EQ(get("/stats?filter=^http&format=json").content_type, kJson);
  EXPECT_THAT(get("/stats/prometheus?filter=^http").body, HasSubstr("\nenvoy_http_rq_total 5\n"));
  EXPECT_EQ(get("/stats/prometheus").content_type, kText);
  EXPECT_EQ(get("/stats?format=prometheus&filter=^http").body,
            get("/stats/prometheus?filter=^http").body);
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(get("/stats?filter=(").status, 400);
  EXPECT_THAT(get("/stats?filter=(").body, StartsWith("Invalid re2 regex: missing )"));
  EXPECT_EQ(get("/stats?format=pdf").status, 400);
  EXPECT_THAT(source_.done, testing::Contains("refreshStats"));

  EXPECT_EQ(post("/reset_counters").body, "OK\n");
  EXPECT_EQ(get("/stats?filter=^http").body, "http.rq_total: 0\n");
}

TEST_F(EndpointsTest, promtoolFindsNothingWrongWithMetrics) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool here";
  for (const auto& cluster : *source_.table) cluster->stats().rq_total.add();
  source_.table->front()->stats().countStatus(200);
  source_.table->front()->stats().rq_time.record(1500);
  const std::string path = testing::TempDir() + "weir_admin_metrics";
  std::ofstream(path) << get("/metrics").body;
  EXPECT_EQ(std::system(("promtool check metrics < " + path).c_str()), 0);
  std::remove(path.c_str());
}

TEST_F(EndpointsTest, runtimeShowsLayersAndTheirOutcome) {
  EXPECT_EQ(post("/runtime_modify?a.b=false&new=1").body, "OK\n");
  google::protobuf::Struct page;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(get("/runtime").body, &page).ok());
  EXPECT_EQ(page.fields().at("layers").list_value().values(1).string_value(), "adm");
  const auto& entries = page.fields().at("entries").struct_value().fields();
  const auto final_value = [&](const char* key) {
    return entries.at(key).struct_value().fields().at("final_value").string_value();
  };
  EXPECT_EQ(final_value("health_check.min_interval"), "5");
  EXPECT_EQ(final_value("a.b"), "false");
  EXPECT_EQ(final_value("new"), "1");
  const auto& row = entries.at("a.b").struct_value().fields().at("layer_values").list_value();
  EXPECT_EQ(row.values(0).string_value(), "true");
  EXPECT_EQ(row.values(1).string_value(), "false");

  EXPECT_EQ(post("/runtime_modify").status, 400);
  EXPECT_EQ(post("/runtime_modify?bad=1").body, "bad is not a key\n");
  EXPECT_EQ(post("/runtime_modify?bad=1").status, 503);
}

TEST(RuntimeEndpoints, withoutAnAdminLayerNothingCanBeModified) {
  SampleSource source("node: {id: n}");
  const Response response = answer(Request::from("POST", "/runtime_modify?a=1"), source);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "No admin layer specified\n");
  const Response page = answer(Request::from("GET", "/runtime"), source);
  EXPECT_EQ(page.body, "{\n \"layers\": [\n ],\n \"entries\": {\n }\n}\n");
}

TEST_F(EndpointsTest, actionsReachTheServer) {
  for (const char* path : {"/healthcheck/fail", "/healthcheck/ok", "/drain_listeners",
                           "/drain_listeners?graceful&skip_exit", "/drain_listeners?inboundonly",
                           "/reopen_logs", "/quitquitquit"}) {
    EXPECT_EQ(post(path).body, "OK\n") << path;
  }
  EXPECT_THAT(source_.done, ElementsAre("fail", "pass", "drain", "drain graceful skip_exit",
                                        "drain inbound", "reopen", "quit"));
  EXPECT_EQ(get("/hot_restart_version").body, "disabled");
}

TEST_F(EndpointsTest, formsAreParameters) {
  EXPECT_EQ(ask("POST", "/drain_listeners", "graceful=on").body, "OK\n");
  EXPECT_THAT(source_.done, ElementsAre("drain graceful"));
  EXPECT_EQ(ask("POST", "/runtime_modify", "k=a+b%2Bc").status, 200);
  EXPECT_EQ(source_.overrides.at("k"), "a b+c");
}

class LoggingTest : public EndpointsTest {
 protected:
  void SetUp() override {
    for (const char* name : {"one", "two"}) {
      const auto sink = std::make_shared<spdlog::sinks::null_sink_mt>();
      spdlog::register_logger(std::make_shared<spdlog::logger>(name, sink));
      spdlog::get(name)->set_level(spdlog::level::info);
    }
  }
  void TearDown() override {
    spdlog::drop("one");
    spdlog::drop("two");
    spdlog::set_level(spdlog::level::info);
  }
};

TEST_F(LoggingTest, withoutParametersItLists) {
  EXPECT_EQ(post("/logging").body, "active loggers:\n  main: info\n  one: info\n  two: info\n");
  EXPECT_EQ(ask("POST", "/logging", "paths=&level=").status, 200);
}

TEST_F(LoggingTest, changesOneSomeOrAll) {
  EXPECT_THAT(post("/logging?one=debug").body, HasSubstr("  one: debug\n  two: info\n"));
  EXPECT_THAT(post("/logging?paths=one:error,two:trace").body,
              HasSubstr("  one: error\n  two: trace\n"));
  EXPECT_THAT(post("/logging?level=warning").body,
              HasSubstr("  main: warning\n  one: warning\n  two: warning\n"));
  EXPECT_THAT(post("/logging?main=off").body, HasSubstr("  main: off\n"));
}

TEST_F(LoggingTest, whatIsWrongChangesNothing) {
  for (const auto& [target, error] :
       {std::pair{"/logging?level=loud", "unknown logger level"},
        {"/logging?three=info", "unknown logger name"},
        {"/logging?one=debug&two=debug", "invalid number of parameters"},
        {"/logging?paths=one:debug,two", "empty logger name or empty logger level"},
        {"/logging?paths=one:debug,two:loud", "unknown logger level"}}) {
    const Response response = post(target);
    EXPECT_EQ(response.status, 400) << target;
    EXPECT_THAT(response.body, StartsWith("error: " + std::string(error) + "\n\nusage: /logging?"));
    EXPECT_THAT(response.body, HasSubstr("  one: info\n  two: info\n"));
  }
}

}  // namespace
}  // namespace weir::admin
