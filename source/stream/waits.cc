#include "source/stream/waits.h"

#include <memory>
#include <utility>

#include "source/cluster/pool/byte_line.h"
#include "source/stream/wakeup.h"

namespace weir::stream {
namespace {

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

class ClusterWait final : public PendingWork<void>, public cluster::WantedClusters::Waiter {
 public:
  explicit ClusterWait(net::Loop& loop) : wakeup_(loop) {}
  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  void take() override {}

 private:
  void onSettled() override { wakeup_.fire(); }
  Wakeup wakeup_;
};

class SignalWait final : public PendingWork<bool>, Signal::Waiter, net::TimerUser {
 public:
  SignalWait(net::Loop& loop, Signal& signal, std::chrono::milliseconds limit)
      : loop_(loop), signal_(signal), wakeup_(loop), timer_(*this) {
    signal_.enter(*this);
    if (limit.count() != 0) timer_.arm(loop.timers(), loop.now() + limit);
  }
  ~SignalWait() override {
    signal_.leave(*this);
    *self_ = nullptr;
  }
  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  bool take() override { return raised_; }

 private:
  // Any thread. When the loop gets to it, this may be gone.
  void onRaised() override {
    loop_.post([self = self_] {
      if (*self != nullptr) (*self)->end(true);
    });
  }
  void onTimer() override { end(false); }
  void end(bool raised) {
    if (wakeup_.done()) return;
    raised_ = raised;
    timer_.disarm();
    wakeup_.fire();
  }

  net::Loop& loop_;
  Signal& signal_;
  const std::shared_ptr<SignalWait*> self_ = std::make_shared<SignalWait*>(this);
  Wakeup wakeup_;
  net::Timer timer_;
  bool raised_ = false;
};

class ByteExchange final : public PendingWork<ByteReply>, cluster::ByteAsker, net::TimerUser {
 public:
  ByteExchange(Services& services, const ByteRequest& request)
      : wakeup_(services.loop), timer_(*this) {
    const uint64_t random = services.random.next();
    cluster::WorkerCluster* cluster =
        services.clusters.find(services.clusters.slotOf(request.cluster), random);
    cluster::ByteLine* line = cluster == nullptr ? nullptr : cluster->chooseLine(random);
    if (line == nullptr) {
      onByteFailure({Side::Upstream, FailureKind::ConnectFailed, Retry::Safe,
                     cluster == nullptr ? "no such cluster" : "no endpoint"});
    } else {
      line->ask(*this, request);
    }
    if (wakeup_.done() || request.timeout.count() == 0) return;
    timer_.arm(services.loop.timers(), services.loop.now() + request.timeout);
  }
  bool ready() const override { return wakeup_.done(); }
  void resumeWhenDone(std::coroutine_handle<> then) override { wakeup_.waitFor(then); }
  ByteReply take() override { return std::move(reply_); }

 private:
  void onByteReply(std::string_view reply) override {
    reply_.bytes = reply;
    end();
  }
  void onByteFailure(const Failure& failure) override {
    reply_.failure = failure;
    end();
  }
  void onTimer() override { giveUp(); }
  void end() {
    timer_.disarm();
    wakeup_.fire();
  }

  Wakeup wakeup_;
  net::Timer timer_;
  ByteReply reply_;
};

}  // namespace

Pending<void> sleepOn(net::Loop& loop, std::chrono::microseconds wait) {
  return Pending<void>(std::make_unique<Sleep>(loop, wait));
}

Pending<bool> untilRaised(net::Loop& loop, Signal& signal, std::chrono::milliseconds limit) {
  return Pending<bool>(std::make_unique<SignalWait>(loop, signal, limit));
}

Pending<ByteReply> exchangeBytes(Services& services, ByteRequest request) {
  return Pending<ByteReply>(std::make_unique<ByteExchange>(services, request));
}

std::optional<Pending<void>> untilCluster(Services& services, std::string_view name) {
  auto wait = std::make_unique<ClusterWait>(services.loop);
  if (!services.clusters.wanted().wait(name, *wait)) return std::nullopt;
  return Pending<void>(std::move(wait));
}

}  // namespace weir::stream
