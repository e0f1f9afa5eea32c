#include "source/access_logs/grpc_sinks.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "source/access_logs/worker_logs.h"
#include "source/telemetry/access_log_plan.h"
#include "source/telemetry/sample_stream.h"
#include "source/telemetry/stat_store.h"

namespace weir::access_logs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kType = "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.";
constexpr const char* kService = R"("grpc_service":{"envoy_grpc":{"cluster_name":"collector"}})";

class SinkBuild final : public PlanBuild {
 public:
  SinkBuild() : PlanBuild(StatScope()) {}
  Result<Done> unpack(const google::protobuf::Any& any, google::protobuf::Message& into) override {
    if (!any.UnpackTo(&into)) return Error{"", "not a " + into.GetTypeName()};
    return Done{};
  }
  bool hasCluster(std::string_view name) const override { return name == "collector"; }
  Background background(Background::Work) override { return {}; }
  void warn(std::string_view field, std::string_view text) override {
    warnings.push_back(std::string(field) + ": " + std::string(text));
  }

  std::vector<std::string> warnings;
};

class GrpcSinksTest : public testing::Test {
 protected:
  ~GrpcSinksTest() override {
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  // `common`: members of common_config after log_name.
  telemetry::AccessLogPlan plan(const std::string& common, const std::string& rest = "",
                                const std::string& kind = "Http") {
    telemetry::AccessLogPlan::Protos protos;
    const std::string json = R"({"name":"a","typed_config":{"@type":")" + std::string(kType) +
                             kind + R"(GrpcAccessLogConfig","common_config":{"log_name":"l",)" +
                             common + "}" + rest + "}}";
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, protos.Add());
    EXPECT_TRUE(parsed.ok()) << parsed.ToString();
    return telemetry::AccessLogPlan::from(protos, "access_log", build_, files_, {}, errors_,
                                          &sinks_);
  }
  std::vector<std::string> errors() const {
    std::vector<std::string> lines;
    for (const Error& error : errors_) lines.push_back(error.field + ": " + error.text);
    return lines;
  }
  uint64_t stat(const std::string& name) const {
    return stats_.value("access_logs.grpc_access_log." + name).value_or(4711);
  }

  StatStore stats_;
  telemetry::LogThread files_{StatScope(stats_), std::chrono::hours(1)};
  net::Loop loop_;
  cluster::WorkerClusters clusters_{loop_};
  stream::Services services_{loop_, clusters_, 1};
  GrpcSinks sinks_{StatScope(stats_), {}, 1};
  SinkBuild build_;
  std::vector<Error> errors_;
  telemetry::SampleStream sample_;
};

TEST_F(GrpcSinksTest, EveryFieldIsHonouredOrRefused) {
  EXPECT_TRUE(plan("").empty());
  EXPECT_TRUE(plan(R"("grpc_service":{"google_grpc":{"target_uri":"a"}})").empty());
  EXPECT_TRUE(plan(R"("grpc_service":{"envoy_grpc":{"cluster_name":"nobody"}})").empty());
  EXPECT_TRUE(plan(std::string(kService) + R"(,"transport_api_version":"V2")").empty());
  EXPECT_TRUE(plan(std::string(kService) + R"(,"buffer_flush_interval":"0s")").empty());
  EXPECT_TRUE(plan(std::string(kService) +
                   R"(,"grpc_stream_retry_policy":{"host_selection_retry_max_attempts":2})")
                  .empty());
  EXPECT_TRUE(plan(std::string(kService) + R"(,"custom_tags":[{"tag":"a"}])").empty());
  EXPECT_TRUE(plan(kService, R"(,"additional_request_headers_to_log":["a b"])").empty());
  const std::string at = "access_log[0].typed_config.";
  EXPECT_THAT(
      errors(),
      ElementsAre(HasSubstr(at + "common_config.grpc_service: expected envoy_grpc"),
                  HasSubstr(at + "common_config.grpc_service: expected envoy_grpc"),
                  at + "common_config.grpc_service.envoy_grpc.cluster_name: there is no cluster "
                       "'nobody'",
                  at + "common_config.transport_api_version: only V3 is spoken",
                  at + "common_config.buffer_flush_interval: expected at least 1ms",
                  HasSubstr(at + "common_config.grpc_stream_retry_policy: retry_priority, "),
                  HasSubstr(at + "common_config.custom_tags[0]: expected literal"),
                  at + "additional_request_headers_to_log[0]: 'a b' is not a header name"));
}

TEST_F(GrpcSinksTest, WhatHasNoEffectIsSaid) {
  const std::string more = R"(,"filter_state_objects_to_log":["x"],
      "grpc_stream_retry_policy":{"num_retries":3,"retry_back_off":{"base_interval":"1s"}})";
  EXPECT_FALSE(plan(kService + more).empty());
  EXPECT_THAT(errors(), IsEmpty());
  EXPECT_THAT(build_.warnings,
              ElementsAre(HasSubstr("common_config.grpc_stream_retry_policy: num_retries"),
                          HasSubstr("common_config.filter_state_objects_to_log: there is no")));
}

TEST_F(GrpcSinksTest, OffWorkersNothingIsLoggedButCounted) {
  plan(kService).log(sample_.info);
  EXPECT_EQ(stat("logs_dropped"), 1);
}

// Down to the stream, which finds that the worker has no such cluster.
TEST_F(GrpcSinksTest, AWorkerKeepsWhatItCannotSendAndCountsItInTheEnd) {
  const auto http = plan(kService), same = plan(kService);
  const auto tcp = plan(kService, "", "Tcp");
  {
    WorkerLogs logs(services_);
    logs.begin();
    {
      net::Loop::Turn turn(loop_);
      http.log(sample_.info);
      same.log(sample_.info);
      tcp.log(sample_.info);
    }
    EXPECT_EQ(stat("logs_written"), 3);
    EXPECT_EQ(stat("logs_dropped"), 0);
    logs.end();
  }
  EXPECT_EQ(stat("logs_dropped"), 3);
  http.log(sample_.info);
  EXPECT_EQ(stat("logs_dropped"), 4);
}

}  // namespace
}  // namespace weir::access_logs
