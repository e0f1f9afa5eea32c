// GrpcSinks makes the sinks of HttpGrpcAccessLogConfig and TcpGrpcAccessLogConfig. Logs that are
// configured to the same, in however many listeners, share one GrpcLogger, and so one stream a
// worker. Owned by the configuration; main thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/extensions/access_loggers/grpc/v3/als.pb.h"
#include "source/access_logs/entry.h"
#include "source/access_logs/grpc_logger.h"
#include "source/telemetry/log_sink.h"
#include "weir/report.h"

namespace weir::access_logs {

class GrpcSinks final : public telemetry::LogSinks {
 public:
  GrpcSinks(const StatScope& root, envoy::config::core::v3::Node node, uint32_t workers);

  bool knows(std::string_view type) const override;
  std::shared_ptr<const telemetry::LogSink> make(const google::protobuf::Any& config,
                                                 std::string_view type, const std::string& field,
                                                 PlanBuild& build,
                                                 std::vector<Error>& errors) override;

 private:
  using Common = envoy::extensions::access_loggers::grpc::v3::CommonGrpcAccessLogConfig;

  std::shared_ptr<const telemetry::LogSink> makeHttp(const google::protobuf::Any& config,
                                                     PlanBuild& build, const Where& at);
  std::shared_ptr<const telemetry::LogSink> makeTcp(const google::protobuf::Any& config,
                                                    PlanBuild& build, const Where& at);
  // `kind`: entries of which make do not share a message with others.
  std::shared_ptr<GrpcLogger> loggerOf(const Common& common, char kind, PlanBuild& build,
                                       const Where& at);

  const StatScope scope_;
  const envoy::config::core::v3::Node node_;
  const uint32_t workers_;
  std::map<std::string, std::weak_ptr<GrpcLogger>> loggers_;  // by what they are configured to
};

}  // namespace weir::access_logs
