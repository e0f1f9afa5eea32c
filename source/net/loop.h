// A Loop is one thread's event loop on libevent: sockets (edge triggered), one timer wheel, a
// mailbox for other threads, and work at the end of each turn. A turn is one callback and all that
// it causes; what is written in a turn leaves in one send per connection at its end. A round is all
// the turns that one wait for events brought; what many of them write to one connection may leave
// at the round's end.
//
// Everything but post() and stop() belongs to the thread that calls run().
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "source/net/fd.h"
#include "source/net/timer_wheel.h"
#include "source/net/turn_end.h"

namespace weir::net {

// Where a loop's time comes from when it is not the machine's: tests hold it still and move it on.
class Clock {
 public:
  virtual SteadyTime now() = 0;

 protected:
  ~Clock() = default;
};

class Loop {
 public:
  // With a clock, time passes only as it says, and its owner fires timers: timers().advance() in a
  // Turn.
  explicit Loop(Clock* clock = nullptr);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  void run();   // until stop()
  void stop();  // any thread
  // Runs `work` on the loop's thread, in order of posting. Any thread; never blocks for long.
  void post(std::function<void()> work);

  // Refreshed when a turn begins. Monotonic.
  SteadyTime now() const { return now_; }
  TimerWheel& timers() { return wheel_; }
  event_base* base() { return base_; }

  void atTurnEnd(TurnEnd& work) {
    if (work.back_ != nullptr) {
      if (!work.awaits_round_) return;
      cancelTurnEnd(work);
    }
    work.back_ = turn_end_tail_;
    *turn_end_tail_ = &work;
    turn_end_tail_ = &work.next_;
  }
  void cancelTurnEnd(TurnEnd& work) {
    if (work.back_ == nullptr) return;
    if (turn_end_tail_ == &work.next_) turn_end_tail_ = work.back_;
    if (round_end_tail_ == &work.next_) round_end_tail_ = work.back_;
    *work.back_ = work.next_;
    if (work.next_ != nullptr) work.next_->back_ = work.back_;
    work.next_ = nullptr;
    work.back_ = nullptr;
    work.awaits_round_ = false;
  }
  // From onTurnEnd(): it is called again when the round ends, or a turn for which it asks again.
  // False: the round ends already, or nobody runs it; what is to be done is to be done now.
  bool awaitRoundEnd(TurnEnd& work);
  // Destroys `object` at the end of the turn, after all TurnEnd work.
  void destroyLater(Deferred* object) {
    object->next_ = deferred_;
    deferred_ = object;
  }

  // Runs the TurnEnd work now, in the middle of a turn: for readers about to reuse the scratch.
  void flushTurn();

  // Every callback from libevent into Weir opens a Turn.
  class Turn {
   public:
    explicit Turn(Loop& loop) : loop_(loop) { loop_.beginTurn(); }
    ~Turn() { loop_.endTurn(); }
    Turn(const Turn&) = delete;

   private:
    Loop& loop_;
  };

  // What any callback may receive into; the content is gone when the turn ends. So large because a
  // body costs a quarter less in reads of 128 KB than of 64 KB; only what was used is in memory.
  static constexpr size_t kScratchSize = 128 * 1024;
  char* scratch() { return scratch_.get(); }

 private:
  void beginTurn();
  void endTurn();
  void armWheel();
  void drainMailbox();
  static void onWheel(evutil_socket_t, short, void* self);
  static void onMailbox(evutil_socket_t, short, void* self);
  static void onRoundEnd(evutil_socket_t, short, void* self);

  Clock* const clock_;
  event_base* base_;
  SteadyTime now_;
  TimerWheel wheel_;
  event wheel_event_;
  event mailbox_event_;
  event round_event_;
  Fd mailbox_fd_;
  std::mutex mailbox_mutex_;
  std::vector<std::function<void()>> mailbox_;
  TurnEnd* turn_end_ = nullptr;
  TurnEnd** turn_end_tail_ = &turn_end_;
  TurnEnd* round_end_ = nullptr;
  TurnEnd** round_end_tail_ = &round_end_;
  Deferred* deferred_ = nullptr;
  int depth_ = 0;
  bool in_round_ = false;  // run() waits for events and brings them
  std::unique_ptr<char[]> scratch_;
};

}  // namespace weir::net
