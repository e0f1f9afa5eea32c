// Counts gRPC calls and their messages, by cluster and, where that is asked for, by method.
#include <charconv>

#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "filters/http/grpc_stats/method_stats.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"
#include "weir/grpc.h"

namespace weir::filters::grpc_stats {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_stats::v3;

struct Plan {
  std::shared_ptr<MethodStats> stats;  // of all workers
  PerWorker<MethodCache> cache;
  bool emits_counts = false;

  static Result<Plan> from(const v3::FilterConfig& proto, PlanBuild& build) {
    MethodStats::Choice choice;
    choice.every_method = proto.stats_for_all_methods().value();
    choice.upstream_time = proto.enable_upstream_stats();
    choice.replaces_dots = proto.replace_dots_in_grpc_service_name();
    const auto& services = proto.individual_method_stats_allowlist().services();
    for (int i = 0; i < services.size(); ++i) {
      const std::string at =
          "individual_method_stats_allowlist.services[" + std::to_string(i) + "].";
      if (services[i].name().empty()) return Error{at + "name", "is empty"};
      if (services[i].method_names().empty()) return Error{at + "method_names", "is empty"};
      for (const std::string& name : services[i].method_names()) {
        choice.methods.insert(services[i].name() + "/" + name);
      }
    }
    Plan plan;
    plan.stats = std::make_shared<MethodStats>(
        std::move(choice), build.stats.scope("grpc_stats").counter("methods_overflow"));
    plan.cache = build.perWorker<MethodCache>();
    plan.emits_counts = proto.emit_filter_state();
    return plan;
  }
};

class GrpcStats final : public Filter {
 public:
  explicit GrpcStats(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    is_grpc_ = grpc::isGrpc(head.fields);
    if (!is_grpc_) return Verdict::pass();
    const StatScope* cluster = stream.routeClusterStats();
    const auto method = grpc::methodOf(head.path);
    if (cluster != nullptr && method) {
      counts_ = &plan_.stats->find(plan_.cache.here(), *cluster, stream.routeCluster(), *method);
    }
    return Verdict::pass();
  }

  Verdict onRequestBody(Chunk& chunk, Stream&) override {
    if (!is_grpc_) return Verdict::pass();
    const uint64_t more = follow(requests_, chunk.data);
    if (counts_ != nullptr && more != 0) counts_->request_messages.add(more);
    return Verdict::pass();
  }

  // A head with a status is all of a response that has no messages.
  Verdict onResponse(ResponseHead& head, Stream&) override {
    answers_ = is_grpc_ && head.status == 200 && grpc::isGrpc(head.fields);
    countStatus(head.fields);
    return Verdict::pass();
  }

  Verdict onResponseBody(Chunk& chunk, Stream&) override {
    if (!answers_) return Verdict::pass();
    const uint64_t more = follow(responses_, chunk.data);
    if (counts_ != nullptr && more != 0) counts_->response_messages.add(more);
    return Verdict::pass();
  }

  Verdict onResponseTrailers(Fields& trailers, Stream&) override {
    countStatus(trailers);
    return Verdict::pass();
  }

  void onDone(const StreamInfo& info, Stream& stream) override {
    if (!is_grpc_) return;
    const bool answered = info.last_upstream_rx != SteadyTime();
    if (counts_ != nullptr && answered && info.last_upstream_tx != SteadyTime()) {
      counts_->recordUpstreamTime(info.last_upstream_rx - info.last_upstream_tx);
    }
    if (!plan_.emits_counts) return;
    emit(stream, "request_message_count", requests_.begun());
    emit(stream, "response_message_count", responses_.begun());
  }

 private:
  // How many messages begin in this piece.
  static uint64_t follow(grpc::Messages& messages, std::string_view data) {
    const uint64_t before = messages.begun();
    while (!data.empty()) data.remove_prefix(messages.take(data));
    return messages.begun() - before;
  }

  void countStatus(const Fields& fields) {
    if (counts_ == nullptr) return;
    if (const auto status = grpc::statusIn(fields)) counts_->countStatus(*status);
  }

  static void emit(Stream& stream, std::string_view name, uint64_t count) {
    char text[20];
    const auto end = std::to_chars(text, text + sizeof text, count).ptr;
    stream.setMetadata("envoy.filters.http.grpc_stats", name,
                       {text, static_cast<size_t>(end - text)});
  }

  const Plan& plan_;
  const MethodCounts* counts_ = nullptr;  // null: nothing is counted for this request
  bool is_grpc_ = false;
  bool answers_ = false;  // the response has messages
  grpc::Messages requests_, responses_;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::FilterConfig, Plan, GrpcStats>("envoy.filters.http.grpc_stats");
}

}  // namespace weir::filters::grpc_stats
