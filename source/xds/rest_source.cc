#include "source/xds/rest_source.h"

#include <google/protobuf/util/json_util.h>
#include <spdlog/spdlog.h>

#include "source/config/proto_reader.h"
#include "source/rpc/grpc_target.h"
#include "source/stream/async_call.h"
#include "source/stream/waits.h"
#include "source/xds/requests.h"

namespace weir::xds {

using envoy::service::discovery::v3::DiscoveryRequest;
using envoy::service::discovery::v3::DiscoveryResponse;

RestSource::RestSource(stream::Services& services, ResourceType type, Settings settings)
    : services_(services),
      settings_(std::move(settings)),
      state_(services.loop, factsOf(type),
             [this] { timer_.arm(services_.loop.timers(), services_.loop.now()); }),
      timer_(*this) {
  if (settings_.keep) settings_.keep(state_);
}

void RestSource::onTimer() {
  polling_.reset();
  version_.clear();  // else the server may say that nothing is new, which is not what is asked
  if (!state_.isWanted()) return;
  polling_.emplace(poll());
  polling_->start();
}

// Clients that began together do not stay together.
Task<Done> RestSource::poll() {
  for (;;) {
    take(co_await stream::callThrough(services_, request()));
    const auto most = static_cast<uint64_t>(settings_.refresh.count());
    const auto more = most == 0 ? 0 : services_.random.next() % most;
    co_await stream::sleepOn(services_.loop, settings_.refresh + std::chrono::milliseconds(more));
  }
}

CallRequest RestSource::request() const {
  DiscoveryRequest message;
  message.set_version_info(version_);
  message.set_type_url(std::string(state_.facts().url));
  *message.mutable_node() = settings_.node;
  for (std::string& name : state_.names()) message.add_resource_names(std::move(name));
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  CallRequest request;
  if (!google::protobuf::util::MessageToJsonString(message, &request.body, options).ok()) return {};
  request.cluster = settings_.cluster;
  request.method = "POST";
  request.path = state_.facts().fetch_path;
  request.fields = {{"content-type", "application/json"}};
  request.timeout = settings_.timeout;
  request.max_response_body = rpc::GrpcTarget::kMostMessage;
  state_.countAttempt();
  return request;
}

void RestSource::take(const CallResult& result) {
  constexpr uint16_t kNotModified = 304;
  if (!result.failure && (result.status == kNotModified || result.status == 200)) {
    met_ = true;
    if (result.status == 200) apply(result.body);
    return;
  }
  state_.countFailure();
  spdlog::warn("xds: {} from '{}': {}", state_.facts().fetch_path, settings_.cluster,
               result.failure ? std::string(result.failure.detail)
                              : "HTTP status " + std::to_string(result.status));
  if (!met_) state_.useSaved();
}

void RestSource::apply(const std::string& body) {
  Report report;
  DiscoveryResponse message;
  const auto tree =
      config::parseJson(settings_.cluster, body, report, {.bytes = rpc::GrpcTarget::kMostMessage});
  if (tree != nullptr) config::readProto(*tree, message, report, {.allow_unknown_fields = true});
  if (!report.ok()) {
    state_.countFailure();
    spdlog::warn("xds: {}: {}", state_.facts().fetch_path, report.sorted().front().line());
    return;
  }
  const Response response = readResponse(std::move(message), state_.facts());
  const std::vector<Refusal> refusals = state_.apply(response).refusals;
  warnOf(state_.facts(), refusals);
  if (refusals.empty()) version_ = response.version;
}

}  // namespace weir::xds
