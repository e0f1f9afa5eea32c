#include "source/telemetry/access_log_plan.h"

#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "source/telemetry/sample_stream.h"
#include "source/telemetry/stat_store.h"

namespace weir::telemetry {
namespace {

namespace v3 = envoy::config::accesslog::v3;

class PlainBuild final : public PlanBuild {
 public:
  PlainBuild() : PlanBuild(StatScope()) {}
  Result<Done> unpack(const google::protobuf::Any& any, google::protobuf::Message& into) override {
    if (!any.UnpackTo(&into)) return Error{"", "not a " + into.GetTypeName()};
    return Done{};
  }
  bool hasCluster(std::string_view) const override { return false; }
  Background background(Background::Work) override { return {}; }
  void warn(std::string_view field, std::string_view text) override {
    warnings.push_back(std::string(field) + ": " + std::string(text));
  }

  std::vector<std::string> warnings;
};

template <typename Message>
Message parse(const std::string& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return message;
}

std::vector<std::string> lines(const std::vector<Error>& errors) {
  std::vector<std::string> result;
  for (const Error& error : errors) result.push_back(error.field + ": " + error.text);
  return result;
}

class AccessLogPlanTest : public testing::Test {
 protected:
  AccessLogPlanTest()
      : path_(testing::TempDir() + "weir_plan_" + std::to_string(getpid()) + ".log") {}
  ~AccessLogPlanTest() override { unlink(path_.c_str()); }

  // One logger of that JSON, the file's path written as PATH.
  AccessLogPlan plan(std::string json) {
    for (size_t at = json.find("PATH"); at != std::string::npos; at = json.find("PATH"))
      json.replace(at, 4, path_);
    AccessLogPlan::Protos protos;
    *protos.Add() = parse<v3::AccessLog>(json);
    return AccessLogPlan::from(protos, "access_log", build_, files_, {}, errors_);
  }
  std::string logged(const AccessLogPlan& plan) {
    plan.log(sample_.info);
    files_.flush();
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  const std::string path_;
  StatStore store_;
  LogThread files_{StatScope(store_), std::chrono::hours(1)};
  PlainBuild build_;
  std::vector<Error> errors_;
  SampleStream sample_;
};

constexpr const char* kFileType =
    "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

std::string file(const std::string& members) {
  return std::string(R"({"name":"a","typed_config":{"@type":")") + kFileType + "\"" + members +
         "}}";
}

TEST_F(AccessLogPlanTest, aFileWithoutFormatGetsEnvoysLine) {
  const auto made = plan(file(R"(,"path":"PATH")"));
  EXPECT_THAT(
      logged(made),
      testing::StartsWith("[2016-04-15T20:17:00.310Z] \"GET /api/v1?a=1&b=%20x HTTP/1.1\" 200"));
  EXPECT_THAT(lines(errors_), testing::IsEmpty());
}

TEST_F(AccessLogPlanTest, everyWayToWriteAFormat) {
  EXPECT_EQ(logged(plan(file(R"(,"path":"PATH","format":"a %RESPONSE_CODE%\n")"))), "a 200\n");
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  EXPECT_EQ(logged(plan(
                file(R"(,"path":"PATH","json_format":{"b":"%RESPONSE_CODE%","a":[1,true,null]})"))),
            "{\"a\":[1,true,null],\"b\":200}\n");
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  EXPECT_EQ(logged(plan(file(R"(,"path":"PATH","log_format":{"omit_empty_values":true,
                                "text_format_source":{"inline_string":"[%REQ(no)%]\n"}})"))),
            "[]\n");
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  EXPECT_EQ(logged(plan(file(R"(,"path":"PATH","log_format":{"text_format":"%DURATION%\n"})"))),
            "26\n");
  EXPECT_THAT(lines(errors_), testing::IsEmpty());
}

TEST_F(AccessLogPlanTest, saysEverythingThatIsWrong) {
  AccessLogPlan::Protos protos;
  *protos.Add() = parse<v3::AccessLog>(file(R"(,"path":"/no/such/dir/x")"));
  *protos.Add() = parse<v3::AccessLog>(file(R"(,"path":"/dev/null","format":"%PROTOCL%")"));
  *protos.Add() = parse<v3::AccessLog>(
      file(R"(,"path":"/dev/null","log_format":{"json_format":{"a":{"b":"%("}}})"));
  *protos.Add() = parse<v3::AccessLog>(
      R"({"typed_config":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}})");
  *protos.Add() = parse<v3::AccessLog>(R"({"name":"x"})");
  *protos.Add() = parse<v3::AccessLog>(file(R"(,"log_format":{})"));
  EXPECT_TRUE(AccessLogPlan::from(protos, "access_log", build_, files_, {}, errors_).empty());
  EXPECT_THAT(lines(errors_), testing::ElementsAre(
                                  "access_log[0].typed_config.path: unable to open file "
                                  "'/no/such/dir/x': No such file or directory",
                                  "access_log[1].typed_config.format: at position 0: 'PROTOCL' is "
                                  "not a command operator; did you "
                                  "mean 'PROTOCOL'?",
                                  "access_log[2].typed_config.log_format.json_format.a.b: at "
                                  "position 0: '%' starts no operator; write "
                                  "'%%' for a percent sign",
                                  "access_log[3].typed_config: access logger "
                                  "'google.protobuf.Duration' is not implemented; file, "
                                  "stdout, stderr and gRPC are",
                                  "access_log[4].typed_config: expected a typed_config, found none",
                                  "access_log[5].typed_config.path: expected a path, found nothing",
                                  "access_log[5].typed_config.log_format: expected "
                                  "text_format_source, text_format or json_format, "
                                  "found none"));
}

TEST_F(AccessLogPlanTest, warnsOfOperatorsThatAreAlwaysEmpty) {
  plan(file(R"(,"path":"PATH","format":"%TRACE_ID% %PROTOCOL%")"));
  EXPECT_THAT(
      build_.warnings,
      testing::ElementsAre(
          "access_log[0].typed_config: %TRACE_ID% has no value in Weir yet and prints '-'"));
}

TEST_F(AccessLogPlanTest, stdoutAndStderrAreKnown) {
  for (const char* type : {"StdoutAccessLog", "StderrAccessLog"}) {
    const auto made = plan(std::string(R"({"typed_config":{"@type":"type.googleapis.com/)") +
                           "envoy.extensions.access_loggers.stream.v3." + type + "\"}}");
    EXPECT_FALSE(made.empty());
  }
  EXPECT_THAT(lines(errors_), testing::IsEmpty());
}

TEST_F(AccessLogPlanTest, aFilterHoldsLinesBack) {
  const auto made =
      plan(std::string(R"({"filter":{"status_code_filter":{"comparison":{"op":"GE",)") +
           R"("value":{"default_value":400,"runtime_key":"k"}}}},"typed_config":{"@type":")" +
           kFileType + R"(","path":"PATH","format":"%RESPONSE_CODE%\n"}})");
  made.log(sample_.info);
  sample_.info.response_code = 404;
  EXPECT_EQ(logged(made), "404\n");
}

// Takes what stands in an empty message, and counts.
struct CountingSinks final : LogSinks {
  struct Sink final : LogSink {
    explicit Sink(int& count) : count(count) {}
    void log(const StreamInfo&) const override { ++count; }
    int& count;
  };
  bool knows(std::string_view type) const override { return type == "google.protobuf.Empty"; }
  std::shared_ptr<const LogSink> make(const google::protobuf::Any&, std::string_view,
                                      const std::string& field, PlanBuild&,
                                      std::vector<Error>& errors) override {
    if (!refuses) return std::make_shared<Sink>(count);
    errors.push_back({field + ".a", "refused"});
    return nullptr;
  }
  int count = 0;
  bool refuses = false;
};

TEST_F(AccessLogPlanTest, whatIsNoFileGoesToItsSinkIfTheFilterLetsIt) {
  const std::string type =
      R"("typed_config":{"@type":"type.googleapis.com/google.protobuf.Empty"})";
  AccessLogPlan::Protos protos;
  *protos.Add() = parse<v3::AccessLog>("{" + type + "}");
  *protos.Add() = parse<v3::AccessLog>(
      R"({"filter":{"status_code_filter":{"comparison":{"op":"GE","value":{"default_value":500}}}},)" +
      type + "}");
  CountingSinks sinks;
  const auto made = AccessLogPlan::from(protos, "access_log", build_, files_, {}, errors_, &sinks);
  made.log(sample_.info);
  EXPECT_EQ(sinks.count, 1);
  sample_.info.response_code = 503;
  made.log(sample_.info);
  EXPECT_EQ(sinks.count, 3);
  sinks.refuses = true;
  EXPECT_TRUE(
      AccessLogPlan::from(protos, "access_log", build_, files_, {}, errors_, &sinks).empty());
  EXPECT_THAT(lines(errors_), testing::ElementsAre("access_log[0].typed_config.a: refused",
                                                   "access_log[1].typed_config.a: refused"));
}

class AccessLogFilterTest : public testing::Test {
 protected:
  bool matches(const std::string& json, const LogFacts& facts = {},
               const RuntimeKeys& runtime = {}) {
    std::vector<Error> errors;
    const auto filter =
        AccessLogFilter::from(parse<v3::AccessLogFilter>(json), runtime, "filter", errors);
    EXPECT_THAT(lines(errors), testing::IsEmpty());
    return filter.matches(sample_.info, facts);
  }
  std::vector<std::string> refused(const std::string& json) {
    std::vector<Error> errors;
    AccessLogFilter::from(parse<v3::AccessLogFilter>(json), {}, "filter", errors);
    return lines(errors);
  }

  SampleStream sample_;
};

std::string comparison(const std::string& filter, const std::string& op, int value) {
  return "{\"" + filter + "\":{\"comparison\":{\"op\":\"" + op +
         "\",\"value\":{\"default_value\":" + std::to_string(value) +
         ",\"runtime_key\":\"key\"}}}}";
}

TEST_F(AccessLogFilterTest, comparesStatusAndDuration) {
  EXPECT_TRUE(matches(comparison("status_code_filter", "EQ", 200)));
  EXPECT_FALSE(matches(comparison("status_code_filter", "NE", 200)));
  EXPECT_TRUE(matches(comparison("status_code_filter", "LE", 200)));
  EXPECT_FALSE(matches(comparison("status_code_filter", "GE", 201)));
  EXPECT_TRUE(matches(comparison("duration_filter", "GE", 26)));
  EXPECT_FALSE(matches(comparison("duration_filter", "GE", 27)));
  sample_.info.end = {};
  EXPECT_FALSE(matches(comparison("duration_filter", "GE", 0)));
}

TEST_F(AccessLogFilterTest, runtimeOverridesTheDefault) {
  const auto cell = std::make_shared<RuntimeCell>();
  const RuntimeKeys runtime = [&](std::string_view key) {
    return key == "key" ? RuntimeKey(cell) : RuntimeKey();
  };
  EXPECT_TRUE(matches(comparison("status_code_filter", "GE", 200), {}, runtime));
  cell->set(500, {}, {});
  EXPECT_FALSE(matches(comparison("status_code_filter", "GE", 200), {}, runtime));
  cell->set({}, {}, {});
  EXPECT_TRUE(matches(comparison("status_code_filter", "GE", 200), {}, runtime));
}

TEST_F(AccessLogFilterTest, samplesByRequestIdOrAtRandom) {
  const auto sampling = [](int numerator, bool independent) {
    return R"({"runtime_filter":{"runtime_key":"k","percent_sampled":{"numerator":)" +
           std::to_string(numerator) + R"(},"use_independent_randomness":)" +
           (independent ? "true" : "false") + "}}";
  };
  sample_.info.request_id = "00000032-0000-4000-8000-000000000000";  // 0x32 = 50
  EXPECT_FALSE(matches(sampling(50, false)));
  EXPECT_TRUE(matches(sampling(51, false)));
  EXPECT_FALSE(matches(sampling(0, true)));
  EXPECT_TRUE(matches(sampling(100, true)));
  std::vector<Error> errors;
  const auto half =
      AccessLogFilter::from(parse<v3::AccessLogFilter>(sampling(50, true)), {}, "", errors);
  int kept = 0;
  for (int i = 0; i < 10000; ++i) kept += half.matches(sample_.info) ? 1 : 0;
  EXPECT_NEAR(kept, 5000, 300);
}

TEST_F(AccessLogFilterTest, flagsAnyOrNamed) {
  EXPECT_FALSE(matches(R"({"response_flag_filter":{}})"));
  sample_.info.flags.set(ResponseFlag::UpstreamOverflow);
  EXPECT_TRUE(matches(R"({"response_flag_filter":{}})"));
  EXPECT_TRUE(matches(R"({"response_flag_filter":{"flags":["UH","UO"]}})"));
  EXPECT_FALSE(matches(R"({"response_flag_filter":{"flags":["UH"]}})"));
}

TEST_F(AccessLogFilterTest, headerGrpcTypeAndFacts) {
  EXPECT_TRUE(matches(
      R"({"header_filter":{"header":{"name":"user-agent","string_match":{"prefix":"curl"}}}})"));
  EXPECT_FALSE(matches(
      R"({"header_filter":{"header":{"name":"user-agent","string_match":{"exact":"x"}}}})"));
  sample_.trailers.add(HeaderId::GrpcStatus, "5");
  EXPECT_TRUE(matches(R"({"grpc_status_filter":{"statuses":["NOT_FOUND"]}})"));
  EXPECT_FALSE(matches(R"({"grpc_status_filter":{"statuses":["NOT_FOUND"],"exclude":true}})"));
  EXPECT_TRUE(matches(R"({"log_type_filter":{"types":["DownstreamEnd"]}})"));
  EXPECT_FALSE(matches(R"({"log_type_filter":{"types":["DownstreamEnd"],"exclude":true}})"));
  EXPECT_FALSE(matches(R"({"log_type_filter":{"types":["DownstreamStart"]}})"));
  EXPECT_TRUE(matches(R"({"not_health_check_filter":{}})"));
  EXPECT_FALSE(matches(R"({"not_health_check_filter":{}})", {.is_health_check = true}));
  EXPECT_FALSE(matches(R"({"traceable_filter":{}})"));
  EXPECT_TRUE(matches(R"({"traceable_filter":{}})", {.is_traced = true}));
}

TEST_F(AccessLogFilterTest, andOr) {
  const std::string yes = comparison("status_code_filter", "EQ", 200);
  const std::string no = comparison("status_code_filter", "EQ", 1);
  EXPECT_TRUE(matches("{\"or_filter\":{\"filters\":[" + no + "," + yes + "]}}"));
  EXPECT_FALSE(matches("{\"and_filter\":{\"filters\":[" + no + "," + yes + "]}}"));
  EXPECT_TRUE(matches("{\"and_filter\":{\"filters\":[" + yes + "," + yes + "]}}"));
}

TEST_F(AccessLogFilterTest, refusesWhatItCannotObey) {
  EXPECT_THAT(refused("{}"),
              testing::ElementsAre("filter: expected one of the filters, found none"));
  EXPECT_THAT(refused(R"({"and_filter":{"filters":[{"extension_filter":{"name":"cel"}}]}})"),
              testing::ElementsAre(
                  "filter.and_filter: expected at least 2 filters",
                  "filter.and_filter.filters[0].extension_filter: filters by extension (CEL and "
                  "others) are not implemented"));
  EXPECT_THAT(refused(R"({"metadata_filter":{}})"),
              testing::ElementsAre(
                  "filter.metadata_filter: filtering by dynamic metadata is not implemented"));
  EXPECT_THAT(
      refused(R"({"response_flag_filter":{"flags":["UH","XX"]}})"),
      testing::ElementsAre(
          "filter.response_flag_filter.flags[1]: 'XX' is not a response flag (UH, UF, UT, …)"));
  EXPECT_THAT(
      refused(R"({"header_filter":{"header":)"
              R"({"name":"a","string_match":{"safe_regex":{"regex":"["}}}}})"),
      testing::ElementsAre(testing::StartsWith("filter.header_filter.header.string_match")));
  EXPECT_THAT(
      refused(R"({"runtime_filter":{}})"),
      testing::ElementsAre("filter.runtime_filter.runtime_key: expected a key, found none"));
}

}  // namespace
}  // namespace weir::telemetry
