#include "source/stream/async_call.h"

#include "source/codec/hop_by_hop.h"
#include "source/router/forward.h"

namespace weir::stream {
namespace {

// Resumes a coroutine at the end of the turn: never from inside what it waited for.
class Wakeup : public net::TurnEnd {
 public:
  explicit Wakeup(net::Loop& loop) : loop_(loop) {}
  Wakeup(const Wakeup&) = delete;
  ~Wakeup() { loop_.cancelTurnEnd(*this); }
  void waitFor(std::coroutine_handle<> then) { then_ = then; }
  void fire() {
    done_ = true;
    if (then_) loop_.atTurnEnd(*this);
  }
  bool done() const { return done_; }

 private:
  void onTurnEnd() override { then_.resume(); }  // may destroy this
  net::Loop& loop_;
  std::coroutine_handle<> then_;
  bool done_ = false;
};

class Sleep final : public PendingWork<void>, net::TimerUser {
 public:
  Sleep(net::Loop& loop, std::chrono::microseconds wait) : wakeup_(loop), timer_(*this) {
    timer_.arm(loop.timers(), loop.now() + wait);
  }
  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  void take() override {}

 private:
  void onTimer() override { wakeup_.fire(); }
  Wakeup wakeup_;
  net::Timer timer_;
};

class Call final : public PendingWork<CallResult>, router::ForwardUser, net::TimerUser {
 public:
  Call(Services& services, CallRequest request)
      : services_(services),
        request_(std::move(request)),
        arena_(services.chunks),
        wakeup_(services.loop),
        timer_(*this),
        head_(arena_),
        forward_(*this, info_) {
    begin();
  }

  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  CallResult take() override { return std::move(result_); }

 private:
  void begin() {
    head_.setMethod(request_.method);
    head_.path = request_.path;
    head_.authority = request_.authority.empty() ? request_.cluster : request_.authority;
    head_.scheme = "http";
    for (const auto& [name, value] : request_.fields) head_.fields.add(name, value);
    if (!request_.body.empty()) {
      head_.fields.set(HeaderId::ContentLength, std::to_string(request_.body.size()));
    }
    const uint64_t random = services_.random.next();
    cluster::WorkerCluster* cluster =
        services_.clusters.find(services_.clusters.slotOf(request_.cluster), random);
    if (cluster == nullptr) {
      return fail({Side::Weir, FailureKind::ConnectFailed, Retry::Never, "no such cluster"});
    }
    if (request_.timeout.count() != 0) {
      timer_.arm(services_.loop.timers(), services_.loop.now() + request_.timeout);
    }
    forward_.start(*cluster, services_.loop, head_, request_.body.empty(), random);
    if (!request_.body.empty() && !wakeup_.done()) forward_.body(request_.body, true);
  }

  void fail(const Failure& failure) {
    if (wakeup_.done()) return;
    result_ = {};
    result_.failure = failure;
    timer_.disarm();
    forward_.cancel();
    wakeup_.fire();
  }
  void succeed() {
    timer_.disarm();
    wakeup_.fire();
  }

  void onForwardInterim(ResponseHead&) override {}
  void onForwardHead(ResponseHead& head, bool end) override {
    if (codec::stripHopByHop(head.fields, codec::MessageType::Response)) {
      return fail(
          {Side::Upstream, FailureKind::ProtocolError, Retry::Never, "bad Connection field"});
    }
    result_.status = head.status;
    for (const Field& field : head.fields) result_.fields.emplace_back(field.name(), field.value());
    if (end) succeed();
  }
  void onForwardBody(std::string_view data, bool end) override {
    if (result_.body.size() + data.size() > request_.max_response_body) {
      return fail(
          {Side::Upstream, FailureKind::LimitExceeded, Retry::Never, "response body too large"});
    }
    result_.body.append(data);
    if (end) succeed();
  }
  void onForwardTrailers(Fields&) override { succeed(); }
  void onForwardFailure(const router::ForwardFailure& failure) override { fail(failure.failure); }
  void onForwardWritable() override {}
  void onForwardEndpoint(std::string_view) override {}
  void onForwardAttempt(const Attempt&) override {}
  Arena& forwardArena() override { return arena_; }

  void onTimer() override {
    forward_.countTimeout();
    fail({Side::Upstream, FailureKind::Timeout, Retry::Never, "call timed out"});
  }

  Services& services_;
  CallRequest request_;
  Arena arena_;
  Wakeup wakeup_;
  net::Timer timer_;
  StreamInfo info_;
  RequestHead head_;
  router::Forward forward_;
  CallResult result_;
};

}  // namespace

Pending<CallResult> callThrough(Services& services, CallRequest request) {
  return Pending<CallResult>(std::make_unique<Call>(services, std::move(request)));
}

Pending<void> sleepOn(net::Loop& loop, std::chrono::microseconds wait) {
  return Pending<void>(std::make_unique<Sleep>(loop, wait));
}

}  // namespace weir::stream
