#include "source/stream/background_work.h"

#include "source/stream/async_call.h"
#include "source/stream/waits.h"

namespace weir::stream {
namespace {

// What a coroutine that belongs to no stream may wait for.
class WorkerAsync final : public Async {
 public:
  explicit WorkerAsync(Services& services) : services_(services) {}
  SteadyTime now() const override { return services_.loop.now(); }
  uint64_t random() override { return services_.random.next(); }
  Pending<void> sleep(std::chrono::microseconds wait) override {
    return sleepOn(services_.loop, wait);
  }
  Pending<CallResult> call(CallRequest request) override {
    return callThrough(services_, std::move(request));
  }
  Pending<ByteReply> exchange(ByteRequest request) override {
    return exchangeBytes(services_, std::move(request));
  }
  Pending<bool> until(Signal& signal, std::chrono::milliseconds limit) override {
    return untilRaised(services_.loop, signal, limit);
  }

 private:
  Services& services_;
};

}  // namespace

bool BackgroundWork::startOn(Services& services) {
  {
    std::lock_guard lock(mutex_);
    if (cancelled_ || loop_ != nullptr) return false;
    loop_ = &services.loop;
  }
  async_ = std::make_unique<WorkerAsync>(services);
  task_.emplace(work_(*async_));
  task_->start();
  return true;
}

void BackgroundWork::stop() {
  {
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
    cancelled_ = true;
  }
  task_.reset();
}

void BackgroundWork::cancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  if (loop_ == nullptr) return;
  loop_->post([self = shared_from_this()] { self->task_.reset(); });
}

}  // namespace weir::stream
