// weir_report_server ADDRESS: takes what proxies report over gRPC, for tests and
// demonstrations, and prints each message as one line of JSON on stdout. No authentication, no TLS:
// for 127.0.0.1.
#include <google/protobuf/util/json_util.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "envoy/service/accesslog/v3/als.pb.h"
#include "envoy/service/load_stats/v3/lrs.pb.h"
#include "tools/grpc_server/grpc_server.h"

namespace weir::report_server {
namespace {

using envoy::service::accesslog::v3::StreamAccessLogsMessage;
using envoy::service::accesslog::v3::StreamAccessLogsResponse;
using envoy::service::load_stats::v3::LoadStatsRequest;
using envoy::service::load_stats::v3::LoadStatsResponse;
using grpc_server::bufferOf;
using grpc_server::bytesOf;

constexpr std::string_view kAccessLogs =
    "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
constexpr std::string_view kLoad =
    "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";

void print(const std::string& line) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string jsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

// One stream of one client.
class AccessLogs final : public grpc::ServerGenericBidiReactor {
 public:
  AccessLogs() { StartRead(&read_); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) {
      print(R"({"ended":true})");
      answer_ = bufferOf(StreamAccessLogsResponse());
      return StartWriteAndFinish(&answer_, {}, grpc::Status::OK);
    }
    StreamAccessLogsMessage message;
    if (!message.ParseFromString(bytesOf(read_))) {
      return Finish({grpc::StatusCode::INVALID_ARGUMENT, "no message of this method"});
    }
    print(jsonOf(message));
    StartRead(&read_);
  }
  void OnDone() override { delete this; }

  grpc::ByteBuffer read_, answer_;
};

// The same of load reports: all clusters and endpoints, five times a second.
class Load final : public grpc::ServerGenericBidiReactor {
 public:
  Load() { StartRead(&read_); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    LoadStatsRequest request;
    if (!request.ParseFromString(bytesOf(read_))) {
      return Finish({grpc::StatusCode::INVALID_ARGUMENT, "no message of this method"});
    }
    print(jsonOf(request));
    if (!std::exchange(answered_, true)) {
      LoadStatsResponse wish;
      wish.set_send_all_clusters(true);
      wish.set_report_endpoint_granularity(true);
      wish.mutable_load_reporting_interval()->set_nanos(200'000'000);
      answer_ = bufferOf(wish);
      StartWrite(&answer_);
    }
    StartRead(&read_);
  }
  void OnDone() override { delete this; }

  bool answered_ = false;
  grpc::ByteBuffer read_, answer_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    if (context->method() == kAccessLogs) return new AccessLogs;
    if (context->method() == kLoad) return new Load;
    return new grpc_server::Refusal;
  }
};

volatile std::sig_atomic_t g_stop = 0;

int run(const std::string& address) {
  Service service;
  return grpc_server::serveOn(address, service, "weir_report_server", [](int port) {
    print(R"({"serving":)" + std::to_string(port) + "}");
    while (g_stop == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
}

}  // namespace
}  // namespace weir::report_server

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: weir_report_server ADDRESS\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { weir::report_server::g_stop = 1; });
  std::signal(SIGINT, [](int) { weir::report_server::g_stop = 1; });
  return weir::report_server::run(argv[1]);
}
