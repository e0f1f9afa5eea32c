// A Pending<T> is something a Task can co_await: work that was begun when the Pending was made and
// is cancelled when it is destroyed before it is done, which happens when the stream ends and its
// task is destroyed with it. Make several, then await them one by one: they run at once.
#pragma once

#include <coroutine>
#include <memory>
#include <utility>

namespace weir {

// The work behind a Pending. When it is not ready(), resumeWhenDone() is called once; the work then
// resumes `then` exactly once, from the loop, never inside that call. The destructor cancels.
template <typename T>
class PendingWork {
 public:
  virtual ~PendingWork() = default;
  virtual bool ready() const = 0;
  virtual void resumeWhenDone(std::coroutine_handle<> then) = 0;
  virtual T take() = 0;
};

template <typename T>
class [[nodiscard]] Pending {
 public:
  explicit Pending(std::unique_ptr<PendingWork<T>> work) : work_(std::move(work)) {}

  // An awaiter of its own, because g++ 12 copies what is awaited when it is neither a variable nor
  // a temporary, as in co_await parts[i].
  struct Awaiter {
    PendingWork<T>& work;
    bool await_ready() const noexcept { return work.ready(); }
    void await_suspend(std::coroutine_handle<> then) { work.resumeWhenDone(then); }
    T await_resume() { return work.take(); }
  };
  Awaiter operator co_await() { return {*work_}; }

 private:
  std::unique_ptr<PendingWork<T>> work_;
};

}  // namespace weir
