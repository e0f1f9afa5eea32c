#include "source/xds/grpc_source.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace weir::xds {
namespace {

namespace pb = envoy::service::discovery::v3;

// All of a response but its nonce, which is another one each time.
template <typename Message>
std::string fingerprintOf(const Message& message) {
  Message copy = message;
  copy.clear_nonce();
  return copy.SerializeAsString();
}

}  // namespace

GrpcSource::Lane::Lane(GrpcSource& source, const TypeFacts& facts)
    : source(source),
      state(source.loop_, facts, [&source] { source.onWish(); }),
      requests(Requests::make(source.settings_.delta, state)),
      timer(*this) {
  requests->onStream();
}

GrpcSource::GrpcSource(net::Loop& loop, Settings settings, MakeStream make)
    : loop_(loop),
      settings_(std::move(settings)),
      make_(std::move(make)),
      back_off_(settings_.back_off),
      timer_(*this),
      connected_(settings_.scope.gauge("connected_state")) {}

GrpcSource::~GrpcSource() {
  loop_.cancelTurnEnd(*this);
  if (stream_ != nullptr) connected_.sub();
}

TypeState& GrpcSource::of(ResourceType type) {
  auto& lane = lanes_[type];
  if (lane == nullptr) {
    lane = std::make_unique<Lane>(*this, factsOf(type));
    order_.push_back(lane.get());
  }
  return lane->state;
}

void GrpcSource::onWish() {
  if (stream_ == nullptr && !timer_.armed()) {
    timer_.arm(loop_.timers(), loop_.now());
    return;
  }
  if (stream_ != nullptr) loop_.atTurnEnd(*this);
}

void GrpcSource::open() {
  node_sent_ = heard_ = false;
  for (Lane* lane : order_) lane->requests->onStream();
  const std::string_view of_one = settings_.only
                                      ? (settings_.delta ? factsOf(*settings_.only).delta_method
                                                         : factsOf(*settings_.only).stream_method)
                                      : std::string_view();
  const std::string_view of_all = settings_.delta ? kAdsDeltaMethod : kAdsStreamMethod;
  stream_ = make_(settings_.only ? of_one : of_all, *this);
  connected_.add();
  stream_->start();
  if (stream_ != nullptr) flush();
}

void GrpcSource::flush() {
  for (Lane* lane : order_) {
    if (stream_ == nullptr) return;
    // A wish must not wait for the answer that is put off.
    if (lane->delayed && lane->state.hasTouched()) answerDelayed(*lane);
    if (!lane->delayed) sendFrom(*lane);
  }
}

void GrpcSource::sendFrom(Lane& lane) {
  while (stream_ != nullptr) {
    const MessagePtr message = lane.requests->next();
    if (message == nullptr) return;
    const bool with_node = !node_sent_ || (!settings_.delta && !settings_.node_once);
    if (with_node && settings_.delta) {
      *static_cast<pb::DeltaDiscoveryRequest&>(*message).mutable_node() = settings_.node;
    } else if (with_node) {
      *static_cast<pb::DiscoveryRequest&>(*message).mutable_node() = settings_.node;
    }
    node_sent_ = true;
    stream_->send(*message);
  }
}

void GrpcSource::onMessage(std::string_view bytes) {
  if (!std::exchange(heard_, true)) back_off_.reset();
  settings_.delta ? read<pb::DeltaDiscoveryResponse>(bytes) : read<pb::DiscoveryResponse>(bytes);
}

template <typename Message>
void GrpcSource::read(std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    spdlog::warn("xds: the control plane sent what is no {}", message.GetTypeName());
    return onStreamEnd("a message that cannot be parsed");
  }
  const TypeFacts* facts =
      settings_.only ? &factsOf(*settings_.only) : findType(message.type_url());
  if (facts == nullptr) {
    return spdlog::warn("xds: a response of type '{}', which nobody asked for", message.type_url());
  }
  of(facts->type);
  Lane& lane = *lanes_[facts->type];
  std::string fingerprint = fingerprintOf(message);
  Response response = readResponse(std::move(message), *facts);
  if (settings_.identified && !response.control_plane.empty()) {
    settings_.identified(response.control_plane);
  }
  take(lane, std::move(response), std::move(fingerprint));
}

void GrpcSource::take(Lane& lane, Response&& response, std::string fingerprint) {
  if (lane.delayed) answerDelayed(lane);  // each gets its answer, and in order
  if (!lane.refused.empty() && lane.refused == fingerprint && lane.delay < kLongestDelay) {
    lane.delay = std::min(std::max(lane.delay * 2, kFirstDelay), kLongestDelay);
    lane.delayed = std::move(response);
    return lane.timer.arm(loop_.timers(), loop_.now() + lane.delay);
  }
  lane.why = lane.state.apply(response);
  lane.refused = lane.why.empty() ? std::string() : std::move(fingerprint);
  lane.delay = std::chrono::milliseconds(0);
  for (const Refusal& refusal : lane.why) {
    spdlog::warn("xds: {} '{}' is refused: {}", lane.state.facts().title, refusal.name,
                 refusal.text);
  }
  lane.requests->onResponse(response, lane.why);
  if (stream_ != nullptr) loop_.atTurnEnd(*this);
}

void GrpcSource::answerDelayed(Lane& lane) {
  lane.timer.disarm();
  lane.requests->onResponse(*std::exchange(lane.delayed, std::nullopt), lane.why);
  if (stream_ != nullptr) loop_.atTurnEnd(*this);
}

void GrpcSource::onStreamEnd(std::string_view why) {
  if (stream_ == nullptr) return;
  struct Ended final : net::Deferred {
    std::unique_ptr<MessageStream> stream;
  };
  auto* ended = new Ended;  // it may be the one that calls
  ended->stream = std::move(stream_);
  loop_.destroyLater(ended);
  loop_.cancelTurnEnd(*this);
  connected_.sub();
  for (Lane* lane : order_) {
    lane->timer.disarm();
    lane->delayed.reset();
    lane->state.countFailure();
  }
  const auto pause = back_off_.next(settings_.random());
  spdlog::warn("xds: the stream of {} ended: {}; the next one in {} ms",
               settings_.only ? factsOf(*settings_.only).title : "ADS", why, pause.count());
  timer_.arm(loop_.timers(), loop_.now() + pause);
}

}  // namespace weir::xds
