// A BackgroundWork is the proxy's side of a Plan's Background: a coroutine that one worker runs
// from its start until the Plan lets go of it or the worker stops. Shared by the Plan, the HcmPlan
// that was built with it, and its worker.
//
//   startOn (on the worker, in a turn)  …  stop (on the worker);  cancel at any time, any thread
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "source/stream/services.h"
#include "weir/background.h"

namespace weir::stream {

class BackgroundWork final : public Background::Running,
                             public std::enable_shared_from_this<BackgroundWork> {
 public:
  explicit BackgroundWork(Background::Work work) : work_(std::move(work)) {}

  // False: it was cancelled, or has been started.
  bool startOn(Services& services);
  // Before the worker's clusters and loop go.
  void stop();
  void cancel() override;

 private:
  const Background::Work work_;  // owns what the coroutine captured
  std::mutex mutex_;
  bool cancelled_ = false;
  net::Loop* loop_ = nullptr;     // while it may run
  std::unique_ptr<Async> async_;  // these two: on the worker only
  std::optional<Task<Done>> task_;
};

}  // namespace weir::stream
