#include "source/access_logs/grpc_sinks.h"

#include <utility>

#include "source/rpc/bounded_ms.h"

namespace weir::access_logs {
namespace {

using envoy::extensions::access_loggers::grpc::v3::CommonGrpcAccessLogConfig;
using envoy::extensions::access_loggers::grpc::v3::HttpGrpcAccessLogConfig;
using envoy::extensions::access_loggers::grpc::v3::TcpGrpcAccessLogConfig;

template <typename Entry, auto AddEntry>
class Sink final : public telemetry::LogSink {
 public:
  Sink(std::shared_ptr<const GrpcLogger> logger, EntryPlan plan)
      : logger_(std::move(logger)), plan_(std::move(plan)) {}

  void log(const StreamInfo& info) const override {
    LogStream* stream = logger_->here();
    if (stream == nullptr || !stream->admit()) return;
    Entry& entry = *AddEntry(stream->message());
    plan_.fill(info, entry);
    stream->added(entry.ByteSizeLong());
  }

 private:
  const std::shared_ptr<const GrpcLogger> logger_;
  const EntryPlan plan_;
};

EntryPlan::Http* addHttp(LogStream::Message& message) {
  return message.mutable_http_logs()->add_log_entry();
}
EntryPlan::Tcp* addTcp(LogStream::Message& message) {
  return message.mutable_tcp_logs()->add_log_entry();
}

using HttpSink = Sink<EntryPlan::Http, &addHttp>;
using TcpSink = Sink<EntryPlan::Tcp, &addTcp>;

using Names = google::protobuf::RepeatedPtrField<std::string>;

std::vector<EntryPlan::Header> readHeaders(const Names& names, const Where& at) {
  std::vector<EntryPlan::Header> headers;
  for (int i = 0; i < names.size(); ++i) {
    auto ref = telemetry::HeaderRef::parse(names[i]);
    if (!ref) {
      at.index(static_cast<size_t>(i)).error(ref.error().text);
      continue;
    }
    std::string lower = names[i];
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    headers.push_back({std::move(lower), *std::move(ref)});
  }
  return headers;
}

void readRetries(const CommonGrpcAccessLogConfig& proto, const Where& at, LogSettings& settings) {
  settings.back_off =
      rpc::readBackOff(proto.grpc_service().envoy_grpc().retry_policy(), settings.back_off);
  if (!proto.has_grpc_stream_retry_policy()) return;
  const auto& policy = proto.grpc_stream_retry_policy();
  settings.back_off = rpc::readBackOff(policy, settings.back_off);
  if (policy.has_num_retries() || !policy.retry_on().empty()) {
    at.warning(
        "num_retries and retry_on have no effect: a stream that ended is opened again, "
        "whatever it ended with, until it stays");
  }
  if (policy.has_retry_priority() || policy.retry_host_predicate_size() != 0 ||
      policy.host_selection_retry_max_attempts() != 0) {
    at.error(
        "retry_priority, retry_host_predicate and host_selection_retry_max_attempts are not "
        "supported: the cluster's load balancing chooses the endpoint of each attempt");
  }
}

void readBuffering(const CommonGrpcAccessLogConfig& proto, const Where& at, LogSettings& settings) {
  if (proto.has_buffer_flush_interval()) {
    settings.flush_interval = rpc::boundedMs(proto.buffer_flush_interval());
    if (settings.flush_interval.count() <= 0) {
      at.field("buffer_flush_interval").error("expected at least 1ms");
    }
  }
  if (proto.has_buffer_size_bytes()) settings.buffer_bytes = proto.buffer_size_bytes().value();
}

void checkRest(const CommonGrpcAccessLogConfig& proto, const Where& at) {
  if (proto.log_name().empty()) at.field("log_name").error("expected a name, found nothing");
  if (proto.transport_api_version() == envoy::config::core::v3::ApiVersion::V2) {
    at.field("transport_api_version").error("only V3 is spoken");
  }
  if (proto.grpc_service().has_timeout()) {
    at.field("grpc_service")
        .field("timeout")
        .warning("has no effect: a stream of entries has no end");
  }
  if (proto.filter_state_objects_to_log_size() != 0) {
    at.field("filter_state_objects_to_log")
        .warning("there is no filter state: no such object is ever found");
  }
}

// What was reported, as whoever asked wants it.
void tell(const Report& report, const std::string& field, PlanBuild& build,
          std::vector<Error>& errors) {
  for (const Problem& problem : report.sorted()) {
    const std::string path = problem.path.empty() ? field : field + "." + problem.path;
    if (problem.severity == Severity::Warning) {
      build.warn(path, problem.text);
    } else {
      errors.push_back({path, problem.text});
    }
  }
}

template <typename Proto>
bool read(const google::protobuf::Any& config, Proto& proto, PlanBuild& build, const Where& at) {
  const auto done = build.unpack(config, proto);
  if (!done && !done.error().text.empty()) at.error(done.error().text);
  return static_cast<bool>(done);
}

}  // namespace

GrpcSinks::GrpcSinks(const StatScope& root, envoy::config::core::v3::Node node, uint32_t workers)
    : scope_(root.scope("access_logs").scope("grpc_access_log")),
      node_(std::move(node)),
      workers_(workers) {}

bool GrpcSinks::knows(std::string_view type) const {
  return type == HttpGrpcAccessLogConfig::descriptor()->full_name() ||
         type == TcpGrpcAccessLogConfig::descriptor()->full_name();
}

std::shared_ptr<const telemetry::LogSink> GrpcSinks::make(const google::protobuf::Any& config,
                                                          std::string_view type,
                                                          const std::string& field,
                                                          PlanBuild& build,
                                                          std::vector<Error>& errors) {
  Report report;
  const bool http = type == HttpGrpcAccessLogConfig::descriptor()->full_name();
  auto sink = http ? makeHttp(config, build, Where(report)) : makeTcp(config, build, Where(report));
  tell(report, field, build, errors);
  return report.ok() ? sink : nullptr;
}

std::shared_ptr<const telemetry::LogSink> GrpcSinks::makeHttp(const google::protobuf::Any& config,
                                                              PlanBuild& build, const Where& at) {
  HttpGrpcAccessLogConfig proto;
  if (!read(config, proto, build, at)) return nullptr;
  const Where common = at.field("common_config");
  EntryPlan plan;
  plan.request_headers = readHeaders(proto.additional_request_headers_to_log(),
                                     at.field("additional_request_headers_to_log"));
  plan.response_headers = readHeaders(proto.additional_response_headers_to_log(),
                                      at.field("additional_response_headers_to_log"));
  plan.response_trailers = readHeaders(proto.additional_response_trailers_to_log(),
                                       at.field("additional_response_trailers_to_log"));
  plan.tags = CustomTags::from(proto.common_config().custom_tags(), common.field("custom_tags"));
  auto logger = loggerOf(proto.common_config(), 'h', build, common);
  if (logger == nullptr) return nullptr;
  return std::make_shared<const HttpSink>(std::move(logger), std::move(plan));
}

std::shared_ptr<const telemetry::LogSink> GrpcSinks::makeTcp(const google::protobuf::Any& config,
                                                             PlanBuild& build, const Where& at) {
  TcpGrpcAccessLogConfig proto;
  if (!read(config, proto, build, at)) return nullptr;
  const Where common = at.field("common_config");
  EntryPlan plan;
  plan.tags = CustomTags::from(proto.common_config().custom_tags(), common.field("custom_tags"));
  auto logger = loggerOf(proto.common_config(), 't', build, common);
  if (logger == nullptr) return nullptr;
  return std::make_shared<const TcpSink>(std::move(logger), std::move(plan));
}

std::shared_ptr<GrpcLogger> GrpcSinks::loggerOf(const Common& common, char kind, PlanBuild& build,
                                                const Where& at) {
  const size_t before = at.report().errors();
  const Where service = at.field("grpc_service");
  auto target = rpc::readTarget(common.grpc_service(), service);
  if (target && !build.hasCluster(target->cluster)) {
    service.field("envoy_grpc")
        .field("cluster_name")
        .error("there is no cluster '" + target->cluster + "'");
  }
  LogSettings settings;
  readRetries(common, at.field("grpc_stream_retry_policy"), settings);
  readBuffering(common, at, settings);
  checkRest(common, at);
  if (!target || at.report().errors() != before) return nullptr;
  std::erase_if(loggers_, [](const auto& item) { return item.second.expired(); });
  auto& known = loggers_[kind + common.SerializeAsString()];
  if (auto logger = known.lock()) return logger;
  settings.target = *std::move(target);
  *settings.identifier.mutable_node() = node_;
  settings.identifier.set_log_name(common.log_name());
  settings.written = scope_.counter("logs_written");
  settings.dropped = scope_.counter("logs_dropped");
  auto logger = std::make_shared<GrpcLogger>(
      std::make_shared<const LogSettings>(std::move(settings)), workers_);
  known = logger;
  return logger;
}

}  // namespace weir::access_logs
