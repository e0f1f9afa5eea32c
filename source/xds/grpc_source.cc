#include "source/xds/grpc_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace weir::xds {
namespace {

namespace pb = envoy::service::discovery::v3;

uint64_t millisecondsSince1970() {
  using namespace std::chrono;
  const auto now = system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(duration_cast<milliseconds>(now).count());
}

}  // namespace

GrpcSource::Lane::Lane(GrpcSource& source, const TypeFacts& facts)
    : source(source),
      state(source.loop_, facts, [&source] { source.onWish(); }),
      requests(Requests::make(source.settings_.delta, state)),
      timer(*this) {
  requests->onStream();
  if (source.settings_.keep) source.settings_.keep(state);
}

GrpcSource::GrpcSource(net::Loop& loop, Settings settings, rpc::MakeStream make)
    : loop_(loop),
      settings_(std::move(settings)),
      make_(std::move(make)),
      back_off_(settings_.back_off),
      timer_(*this),
      pace_(settings_.pace),
      rate_limit_enforced_(settings_.scope.counter("rate_limit_enforced")),
      connected_(settings_.scope.gauge("connected_state")),
      last_message_(settings_.scope.gauge("last_message_time")),
      message_bytes_(settings_.scope.counter("message_bytes")) {}

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
  if (missed_) loop_.atTurnEnd(*this);
  if (stream_ == nullptr && !timer_.armed()) {
    timer_.arm(loop_.timers(), loop_.now());
    return;
  }
  if (stream_ != nullptr) loop_.atTurnEnd(*this);
}

void GrpcSource::open() {
  goOn(std::numeric_limits<size_t>::max());
  node_sent_ = heard_ = false;
  if (!met_ && !missed_ && !silence_.timer.armed()) {
    silence_.timer.arm(loop_.timers(), loop_.now() + kSilence);
  }
  for (Lane* lane : order_) {
    lane->timer.disarm();
    lane->delayed.reset();
    lane->waiting.reset();
    lane->requests->onStream();
  }
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

void GrpcSource::miss() {
  silence_.timer.disarm();
  if (met_) return;
  missed_ = true;
  loop_.atTurnEnd(*this);
}

void GrpcSource::flush() {
  if (begun_) return;  // all that follows from it leaves together
  if (missed_) {
    for (size_t i = 0; i < order_.size(); ++i) order_[i]->state.useSaved();  // may add some
  }
  for (Lane* lane : order_) {
    if (stream_ == nullptr) return;
    // A wish must not wait for the answer that is put off.
    if (lane->delayed && lane->state.hasTouched()) answerDelayed(*lane);
    if (!lane->delayed) sendFrom(*lane);
  }
}

// What waits is sent as it is, so that each response has its answer; what has changed since
// follows.
void GrpcSource::sendFrom(Lane& lane) {
  while (stream_ != nullptr) {
    if (lane.waiting == nullptr) lane.waiting = lane.requests->next();
    if (lane.waiting == nullptr || mustWait()) return;
    const MessagePtr message = std::move(lane.waiting);
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

// For a token; else it is taken.
bool GrpcSource::mustWait() {
  const auto wait = pace_.take(loop_.now());
  if (wait == net::SteadyTime::duration::zero()) return false;
  if (!paced_.timer.armed()) {
    rate_limit_enforced_.add();
    paced_.timer.arm(loop_.timers(), loop_.now() + wait);
  }
  return true;
}

void GrpcSource::onMessage(std::string_view bytes) {
  if (stream_ == nullptr) return;  // behind one that could not be read
  if (!std::exchange(heard_, true)) back_off_.reset();
  met_ = true;
  missed_ = false;
  last_message_.set(millisecondsSince1970());
  message_bytes_.add(bytes.size());
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
  Response response = readResponse(std::move(message), *facts);
  if (settings_.identified && !response.control_plane.empty()) {
    settings_.identified(response.control_plane);
  }
  take(lane, std::move(response));
}

void GrpcSource::take(Lane& lane, Response&& response) {
  work_.push_back({lane, std::move(response), {}});
  if (work_.size() == 1) return goOn(kAtOnce);
  // Who sends faster than that has to wait: nothing is read meanwhile.
  if (work_.size() > kMostWaiting) goOn(std::numeric_limits<size_t>::max());
}

// Applies about `most` resources.
void GrpcSource::goOn(size_t most) {
  if (std::exchange(going_on_, true)) return;  // a watcher has ended the stream
  size_t applied = 0;
  while (!work_.empty() && applied < most) {
    auto& [lane, response, applying] = work_.front();
    applied += std::min(most, response.resources.size());
    lane.state.apply(response, most, applying);
    begun_ = !applying.done;
    if (begun_) continue;
    Work done = std::move(work_.front());
    work_.pop_front();
    settle(done.lane, std::move(done.response), std::move(done.applying.outcome));
  }
  going_on_ = false;
  if (!work_.empty()) goOnLater();
  if (stream_ != nullptr) loop_.atTurnEnd(*this);
}

void GrpcSource::goOnLater() {
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && !work_.empty()) goOn(kAtOnce);
  });
}

void GrpcSource::settle(Lane& lane, Response&& response, Outcome&& outcome) {
  if (lane.delayed) answerDelayed(lane);  // each gets its answer, and in order
  if (!outcome.news && !outcome.refusals.empty() && outcome.refusals == lane.why) {
    lane.delay = std::min(std::max(lane.delay * 2, kFirstDelay), kLongestDelay);
    lane.delayed = std::move(response);
    return lane.timer.arm(loop_.timers(), loop_.now() + lane.delay);
  }
  lane.why = std::move(outcome.refusals);
  lane.delay = std::chrono::milliseconds(0);
  warnOf(lane.state.facts(), lane.why);
  lane.requests->onResponse(response, lane.why);
}

void GrpcSource::answerDelayed(Lane& lane) {
  lane.timer.disarm();
  lane.requests->onResponse(*std::exchange(lane.delayed, std::nullopt), lane.why);
  if (stream_ != nullptr) loop_.atTurnEnd(*this);
}

void GrpcSource::onStreamEnd(std::string_view why) {
  if (stream_ == nullptr) return;
  goOn(std::numeric_limits<size_t>::max());  // what came still counts
  rpc::destroyLater(loop_, std::move(stream_));
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
