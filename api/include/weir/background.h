// A Background is a Plan's own work that belongs to no stream: a coroutine that runs on one worker
// from the moment workers start, such as fetching keys before the first request and then from time
// to time. PlanBuild::background() makes it, the Plan keeps it; destroying it cancels the work
// wherever it waits. The work may outlive that by a moment, on its worker: what it uses it holds
// itself, in a shared_ptr. Never started when a configuration is only checked.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "weir/async.h"
#include "weir/task.h"

namespace weir {

class Background {
 public:
  using Work = std::function<Task<Done>(Async&)>;

  // Behind the handle: the proxy's side. Any thread.
  class Running {
   public:
    virtual ~Running() = default;
    virtual void cancel() = 0;
  };

  Background() = default;  // none
  explicit Background(std::shared_ptr<Running> running) : running_(std::move(running)) {}
  Background(Background&&) = default;
  Background& operator=(Background&& other) noexcept {
    if (this == &other) return *this;
    stop();
    running_ = std::move(other.running_);
    return *this;
  }
  ~Background() { stop(); }

 private:
  void stop() {
    if (running_ != nullptr) std::exchange(running_, nullptr)->cancel();
  }

  std::shared_ptr<Running> running_;
};

}  // namespace weir
