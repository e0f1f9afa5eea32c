#include "source/telemetry/stats_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace weir::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

// A store with one of everything that a name can be.
class StatsPage : public testing::Test {
 protected:
  StatsPage() {
    const StatScope root(store_);
    const StatScope http = root.scope("http").tagged("ingress", "envoy_http_conn_manager_prefix");
    http.counter("downstream_rq_total").add(12);
    http.counter("downstream_rq_5xx", "downstream_rq_xx", "envoy_response_code_class", "5").add(2);
    http.gauge("downstream_cx_active").add(3);
    http.histogram("downstream_rq_time", Histogram::Unit::Microseconds).record(2500);
    http.histogram("downstream_cx_length_ms", Histogram::Unit::Microseconds);
    const StatScope cluster = root.scope("cluster").tagged("a\"b.c", "envoy_cluster_name");
    cluster.counter("upstream_rq_total").add(7);
    cluster.counter("upstream_rq_200", "upstream_rq", "envoy_response_code", "200").add(7);
    cluster.gauge("membership_total").set(4);
    root.scope("server").gauge("initialization_time_ms").set(1500);
    root.scope("weir")
        .histogram("request_duration_seconds", Histogram::Unit::Microseconds)
        .record(7);
    store_.setText("server.version", "1.0");
  }

  std::string render(std::vector<std::pair<std::string, std::string>> parameters) {
    auto query = StatsQuery::from(parameters);
    if (!query) return query.error().text;
    std::string page;
    renderStats(store_, *query, [&](std::string_view piece) { page.append(piece); });
    return page;
  }

  StatStore store_;
};

TEST_F(StatsPage, textIsEnvoysFormat) {
  EXPECT_EQ(render({{"filter", "http|version"}}),
            "server.version: \"1.0\"\n"
            "http.ingress.downstream_cx_active: 3\n"
            "http.ingress.downstream_rq_5xx: 2\n"
            "http.ingress.downstream_rq_total: 12\n"
            "http.ingress.downstream_cx_length_ms: No recorded values\n"
            "http.ingress.downstream_rq_time: P0(nan,2.432) P25(nan,2.464) P50(nan,2.496)"
            " P75(nan,2.527) P90(nan,2.546) P95(nan,2.553) P99(nan,2.558) P99.5(nan,2.558)"
            " P99.9(nan,2.559) P100(nan,2.559)\n");
}

TEST_F(StatsPage, textShowsTheIntervalAfterAFlush) {
  store_.flushInterval();
  EXPECT_THAT(render({{"filter", "rq_time"}}), HasSubstr(" P0(2.432,2.432) "));
}

TEST_F(StatsPage, textBucketsAreEnvoysFormat) {
  store_.flushInterval();
  const std::string cumulative =
      render({{"filter", "rq_time"}, {"histogram_buckets", "cumulative"}});
  EXPECT_THAT(cumulative, HasSubstr("downstream_rq_time: B0.5(0,0) B1(0,0) B5(1,1) B10(1,1)"));
  EXPECT_THAT(cumulative, HasSubstr("B600000(1,1) B1.8e+06(1,1) B3.6e+06(1,1)\n"));
  const std::string disjoint = render({{"filter", "rq_time"}, {"histogram_buckets", "disjoint"}});
  EXPECT_THAT(disjoint, HasSubstr("downstream_rq_time: B0.5(0,0) B1(0,0) B5(1,1) B10(0,0)"));
}

TEST_F(StatsPage, usedOnlyAndTypeLeaveOut) {
  EXPECT_THAT(render({{"usedonly", ""}}), Not(HasSubstr("length_ms")));
  EXPECT_THAT(render({{"type", "Gauges"}}), Not(HasSubstr("rq_total")));
  EXPECT_EQ(render({{"type", "TextReadouts"}}), "server.version: \"1.0\"\n");
}

TEST_F(StatsPage, jsonIsEnvoysFormat) {
  EXPECT_EQ(
      render({{"format", "json"}, {"filter", "downstream_rq_(total|time)|version"}}),
      "{\"stats\":[{\"name\":\"server.version\",\"value\":\"1.0\"},"
      "{\"name\":\"http.ingress.downstream_rq_total\",\"value\":12},"
      "{\"histograms\":{\"supported_quantiles\":[0,25,50,75,90,95,99,99.5,99.9,100],"
      "\"computed_quantiles\":[{\"name\":\"http.ingress.downstream_rq_time\",\"values\":["
      "{\"cumulative\":2.432,\"interval\":null},{\"cumulative\":2.464,\"interval\":null},"
      "{\"cumulative\":2.496,\"interval\":null},{\"cumulative\":2.527,\"interval\":null},"
      "{\"cumulative\":2.546,\"interval\":null},{\"cumulative\":2.553,\"interval\":null},"
      "{\"cumulative\":2.558,\"interval\":null},{\"cumulative\":2.558,\"interval\":null},"
      "{\"cumulative\":2.559,\"interval\":null},{\"cumulative\":2.559,\"interval\":null}]}]}}]}");
  EXPECT_THAT(render({{"format", "json"}}), HasSubstr("cluster.a\\\"b.c.upstream_rq_total"));
  EXPECT_THAT(
      render({{"format", "json"}, {"histogram_buckets", "cumulative"}, {"filter", "rq_time"}}),
      HasSubstr("{\"histograms\":[{\"name\":\"http.ingress.downstream_rq_time\",\"buckets\":["
                "{\"upper_bound\":0.5,\"interval\":0,\"cumulative\":0},"));
}

TEST_F(StatsPage, anInvertedFilterLeavesOutWhatItMatches) {
  const std::string text =
      render({{"filter", "downstream_(cx|rq_t)|version"}, {"invert_filter", ""}});
  EXPECT_THAT(text,
              HasSubstr("\nhttp.ingress.downstream_rq_5xx: 2\nserver.initialization_time_ms: "));
  EXPECT_THAT(text, Not(testing::ContainsRegex("downstream_cx|downstream_rq_t|version")));
  EXPECT_EQ(render({{"invert_filter", ""}}),
            "invert_filter can only be used if filter is also provided");
}

TEST_F(StatsPage, badParametersAreRefusedInEnvoysWords) {
  EXPECT_EQ(render({{"format", "xml"}}), "usage: /stats?format=(json|prometheus|text)");
  EXPECT_THAT(render({{"filter", "["}}), HasSubstr("Invalid re2 regex: missing ]"));
  EXPECT_THAT(render({{"histogram_buckets", "all"}}),
              HasSubstr("usage: /stats?histogram_buckets="));
  EXPECT_THAT(render({{"type", "all"}}), HasSubstr("usage: /stats?type="));
}

TEST_F(StatsPage, prometheusHasEnvoysNamesAndLabels) {
  const std::string page = render({{"format", "prometheus"}, {"text_readouts", ""}});
  for (std::string_view line : {
           "# TYPE envoy_http_downstream_rq_total counter\n"
           "envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix=\"ingress\"} 12\n",
           "envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix=\"ingress\","
           "envoy_response_code_class=\"5\"} 2\n",
           "envoy_cluster_upstream_rq{envoy_cluster_name=\"a\\\"b.c\",envoy_response_code=\"200\"} "
           "7\n",
           "# TYPE envoy_cluster_membership_total gauge\n",
           "envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix=\"ingress\",le="
           "\"1\"} 0\n",
           "envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix=\"ingress\",le="
           "\"5\"} 1\n",
           "envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix=\"ingress\",le=\"+"
           "Inf\"} 1\n",
           "envoy_http_downstream_rq_time_sum{envoy_http_conn_manager_prefix=\"ingress\"} 2.5\n",
           "envoy_server_version{text_value=\"1.0\"} 0\n",
           "weir_request_duration_seconds_bucket{le=\"0.0005\"} 1\n",
       }) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST_F(StatsPage, prometheusNamingBendsWhatBreaksItsRules) {
  const std::string page = render({{"format", "prometheus"}, {"naming", "prometheus"}});
  for (std::string_view line : {
           "envoy_cluster_upstream_rq_by_response_code_total{",
           "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\\\"b.c\"} 7\n",
           "# TYPE envoy_cluster_membership gauge\n",
           "envoy_http_downstream_rq_time_seconds_bucket{envoy_http_conn_manager_prefix="
           "\"ingress\",le=\"0.005\"} 1\n",
           "envoy_http_downstream_rq_time_seconds_sum{envoy_http_conn_manager_prefix=\"ingress\"} "
           "0.0025",
           "# TYPE envoy_http_downstream_cx_length_seconds histogram\n",
           "envoy_server_initialization_time_seconds 1.5\n",
       }) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST_F(StatsPage, familiesThatMeetInOneNameAreWrittenOnce) {
  StatScope(store_).scope("a").counter("b");
  StatScope(store_).counter("a_b");
  StatScope(store_).gauge("a_b");
  const std::string page = render({{"format", "prometheus"}, {"filter", "^a.b$"}});
  const std::string_view type = "# TYPE envoy_a_b ";
  EXPECT_NE(page.find(type), std::string::npos);
  EXPECT_EQ(page.find(type), page.rfind(type));
}

TEST_F(StatsPage, streamsInPieces) {
  for (int i = 0; i < 20000; ++i) StatScope(store_).counter("filler." + std::to_string(i)).add();
  for (const char* format : {"text", "json", "prometheus"}) {
    auto query =
        StatsQuery::from(std::vector<std::pair<std::string, std::string>>{{"format", format}});
    size_t total = 0;
    size_t largest = 0;
    renderStats(store_, *query, [&](std::string_view piece) {
      total += piece.size();
      largest = std::max(largest, piece.size());
    });
    EXPECT_GT(total, 300000u) << format;
    EXPECT_LT(largest, 40000u) << format;
  }
}

// Exit code of `promtool check metrics`: 0 clean, 1 not the format, 3 naming advice.
int promtool(const std::string& page, std::string& output) {
  const std::string file = testing::TempDir() + "weir_promtool_" + std::to_string(getpid());
  std::ofstream(file) << page;
  FILE* pipe = popen(("promtool check metrics < " + file + " 2>&1").c_str(), "r");
  char piece[4096];
  while (size_t size = fread(piece, 1, sizeof(piece), pipe)) output.append(piece, size);
  const int status = pclose(pipe);
  std::remove(file.c_str());
  return WEXITSTATUS(status);
}

TEST_F(StatsPage, promtoolFindsNothingInPrometheusNaming) {
  if (std::system("command -v promtool >/dev/null") != 0)
    GTEST_SKIP() << "promtool is not installed";
  std::string output;
  EXPECT_EQ(promtool(render({{"format", "prometheus"}, {"naming", "prometheus"}}), output), 0)
      << output;
  EXPECT_EQ(output, "");
}

TEST_F(StatsPage, promtoolFindsOnlyEnvoysNamesInEnvoyNaming) {
  if (std::system("command -v promtool >/dev/null") != 0)
    GTEST_SKIP() << "promtool is not installed";
  std::string output;
  EXPECT_EQ(promtool(render({{"format", "prometheus"}, {"text_readouts", ""}}), output), 3)
      << output;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(line, testing::AnyOf(HasSubstr("should have \"_total\" suffix"),
                                     HasSubstr("should not have \"_total\" suffix"),
                                     HasSubstr("abbreviated units")));
  }
}

}  // namespace
}  // namespace weir::telemetry
