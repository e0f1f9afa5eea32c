#include "source/consul/agent.h"

#include <algorithm>

#include "source/consul/alarms.h"

namespace weir::consul {

using std::chrono::milliseconds;

Agent::Agent(Parts parts, AgentSettings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      token_read_(parts_.loop.now()),
      log_(parts_.loop, parts_.say),
      waiting_(parts_.loop, settings_.max_queries),
      quick_(parts_.loop, 0),
      standing_(parts_.loop, kQuick),
      back_off_(Query::kBackOff),
      try_timer_(*this),
      tick_(*this),
      tick_timer_(tick_),
      connected_(parts_.scope.gauge("connected_state")),
      watching_(parts_.scope.gauge("watches")),
      troubled_(parts_.scope.gauge("watches_in_trouble")) {
  for (size_t i = 0; i < kReasons.size(); ++i) {
    failures_[i] = parts_.scope.counter("failure_" + std::string(kReasons[i]));
  }
  if (auto token = readToken(settings_.token)) token_ = *std::move(token);
}

Agent::~Agent() { alarms_.reset(); }

void Agent::add(Watch& watch) {
  watches_.insert(&watch);
  services_ += watch.sharesPlaces() ? 1 : 0;
  watching_.set(watches_.size());
  const bool soon = crowded() && alarms_ == nullptr;
  if (soon || !tick_timer_.armed()) {
    tick_timer_.arm(parts_.loop.timers(), parts_.loop.now() + (soon ? kTick * 0 : kTick));
  }
}

void Agent::remove(Watch& watch) {
  watches_.erase(&watch);
  services_ -= watch.sharesPlaces() ? 1 : 0;
  watching_.set(watches_.size());
  log_.forget(watch.label());
}

Pending<Places::Place> Agent::place(const Query& query, bool soon) {
  if (!query.waits()) return quick_.next();
  if (query.question().standing) return standing_.next();
  return soon ? quick_.next() : waiting_.next();
}

void Agent::askAtOnce(const std::vector<CheckPlace>& changed) {
  std::set<std::string_view> nodes, services;
  for (const CheckPlace& place : changed) {
    place.service.empty() ? nodes.insert(place.node) : services.insert(place.service);
  }
  for (Watch* watch : std::vector<Watch*>(watches_.begin(), watches_.end())) {
    if (watches_.contains(watch) && watch->user_.isOf(services, nodes)) watch->askSoon();
  }
}

void Agent::askAllAtOnce() {
  for (Watch* watch : std::vector<Watch*>(watches_.begin(), watches_.end())) {
    if (watches_.contains(watch)) watch->askSoon();
  }
}

Pending<CallResult> Agent::ask(Query& query, bool soon) {
  const milliseconds news = query.question().standing ? settings_.wait : wait();
  CallRequest request = query.request(token_, soon ? milliseconds(0) : news);
  request.cluster = settings_.cluster;
  return parts_.call(std::move(request));
}

Pending<CallResult> Agent::call(CallRequest request) {
  request.cluster = settings_.cluster;
  if (!token_.empty()) request.fields.emplace_back("x-consul-token", token_);
  return parts_.call(std::move(request));
}

milliseconds Agent::wait() const {
  constexpr milliseconds kLeast{20};
  if (!crowded()) return settings_.wait;
  const auto round = static_cast<size_t>(milliseconds(kRound).count());
  return std::clamp(milliseconds(round * waiting_.most() / services_), kLeast, settings_.wait);
}

void Agent::onAnswer() {
  answered_ = parts_.loop.now();
  connected_.set(1);
  if (!silent_) return;
  silent_ = false;
  back_off_.reset();
  try_timer_.disarm();
  quick_.allow(kQuick);
}

void Agent::learn(Reason reason) {
  failures_[static_cast<size_t>(reason)].add();
  if (reason == Reason::AclNotFound || reason == Reason::PermissionDenied) readTokenAgain();
  if (reason == Reason::TooManyRequests) fewerPlaces();
}

bool Agent::onFailure(Reason reason, net::SteadyTime asked) {
  learn(reason);
  if (!concernsAll(reason)) {
    onAnswer();  // an answer all the same
    return false;
  }
  if (!silent_ && answered_ > asked) return false;
  silent_ = true;
  connected_.set(0);
  if (!try_timer_.armed()) {
    quick_.allow(0);
    try_timer_.arm(parts_.loop.timers(), parts_.loop.now() + back_off_.next(parts_.random()));
  }
  return true;
}

std::string Agent::staleness() const {
  size_t count = 0;
  std::chrono::system_clock::time_point oldest;
  for (const Watch* watch : watches_) {
    if (!watch->kept()) continue;
    oldest = count++ == 0 ? *watch->kept() : std::min(oldest, *watch->kept());
  }
  if (count == 0) return {};
  return std::to_string(count) + " answer(s) of Consul " + xds::StateDirectory::savedAt(oldest);
}

// Others may share with Weir what the agent takes of one address. What is refused at one time is
// one reason.
void Agent::fewerPlaces() {
  if (parts_.loop.now() < fewer_since_ + kTick) return;
  fewer_since_ = parts_.loop.now();
  const size_t least = std::min<size_t>(8, settings_.max_queries);
  waiting_.allow(std::max(waiting_.most() * 3 / 4, least));
}

void Agent::readTokenAgain() {
  constexpr std::chrono::seconds kNotBefore{1};
  if (parts_.loop.now() < token_read_ + kNotBefore) return;
  token_read_ = parts_.loop.now();
  if (auto token = readToken(settings_.token)) token_ = *std::move(token);
}

void Agent::onTick() {
  for (Watch* watch : watches_) watch->showAge();
  if (crowded() && alarms_ == nullptr) alarms_ = std::make_unique<Alarms>(*this);
  if (!crowded()) alarms_.reset();
  if (waiting_.most() < settings_.max_queries) waiting_.allow(waiting_.most() + 1);
  if (!watches_.empty()) tick_timer_.arm(parts_.loop.timers(), parts_.loop.now() + kTick);
}

}  // namespace weir::consul
