// A Task<T> is a coroutine that a filter returns inside Verdict::wait(): it runs when the stream
// resumes it, may await calls (weir/client.h) and timers, and finishes with a T. Whoever holds the
// Task owns the coroutine: destroying the Task destroys its frame wherever it is suspended, and
// with it every awaited operation, whose destructors cancel the work. So a stream that ends early
// needs no other cancellation. Runs on the stream's worker only.
#pragma once

#include <coroutine>
#include <cstdlib>
#include <optional>
#include <utility>

namespace weir {

template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> continuation = std::noop_coroutine();

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Continue {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(Handle self) noexcept {
          return self.promise().continuation;
        }
        void await_resume() noexcept {}
      };
      return Continue{};
    }
    void return_value(T result) { value.emplace(std::move(result)); }
    void unhandled_exception() { std::abort(); }  // filters do not throw
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // For the owner that is not a coroutine (the filter chain): start() once; when done() is true,
  // take() once. If it is not done after start(), whenDone() says what the task resumes at its end.
  void start() { handle_.resume(); }
  void whenDone(std::coroutine_handle<> then) { handle_.promise().continuation = then; }
  bool done() const { return handle_.done(); }
  T take() { return std::move(*handle_.promise().value); }

  // co_await inside another Task.
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.promise().continuation = awaiting;
    return handle_;
  }
  T await_resume() { return take(); }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

}  // namespace weir
