// A Signal wakes everybody who waits for it, on all workers: what a Plan shares when one stream or
// its background work does something that many wait for, such as fetching keys. Raising remembers
// nothing: who begins to wait afterwards waits for the next time. So make the Pending first
// (Async::until), then look at, or ask for, what the signal is about, then await it.
// Outlives its waiters: a stream holds its Plan.
#pragma once

#include <mutex>

namespace weir {

class Signal {
 public:
  // Any thread; O(waiters). The waiters go on soon, each on its own worker.
  void raise() {
    std::lock_guard lock(mutex_);
    while (first_ != nullptr) {
      Waiter& waiter = *first_;
      unlink(waiter);
      waiter.onRaised();
    }
  }

  // For implementations of Async.
  class Waiter {
   public:
    virtual void onRaised() = 0;  // once, on the raising thread, in the middle of raise()

   protected:
    ~Waiter() = default;

   private:
    friend class Signal;
    Waiter* next_ = nullptr;
    Waiter** back_ = nullptr;  // the pointer that points here; null: does not wait
  };
  void enter(Waiter& waiter) {
    std::lock_guard lock(mutex_);
    waiter.next_ = first_;
    waiter.back_ = &first_;
    if (first_ != nullptr) first_->back_ = &waiter.next_;
    first_ = &waiter;
  }
  // onRaised() is not called after this, nor is it running.
  void leave(Waiter& waiter) {
    std::lock_guard lock(mutex_);
    if (waiter.back_ != nullptr) unlink(waiter);
  }

 private:
  static void unlink(Waiter& waiter) {
    *waiter.back_ = waiter.next_;
    if (waiter.next_ != nullptr) waiter.next_->back_ = waiter.back_;
    waiter.next_ = nullptr;
    waiter.back_ = nullptr;
  }

  std::mutex mutex_;
  Waiter* first_ = nullptr;
};

}  // namespace weir
