// What a Loop does when a turn is over: work that was put off (TurnEnd), then the end of objects
// that callers further up were still using (Deferred). Both belong to whoever made them until they
// are given to the loop; the loop's thread only.
#pragma once

namespace weir::net {

// Something to do when the current turn, or the round, ends. Intrusive: queued from inside a turn,
// at most once at a time; leaving it queued when destroyed is the owner's bug (cancelTurnEnd()
// first).
class TurnEnd {
 public:
  virtual void onTurnEnd() = 0;

 protected:
  ~TurnEnd() = default;

 private:
  friend class Loop;
  TurnEnd* next_ = nullptr;
  TurnEnd** back_ = nullptr;  // the pointer that points here; null: not queued
  bool awaits_round_ = false;
};

// An object that dies when the turn is over, because callers further up still use it.
class Deferred {
 public:
  virtual ~Deferred() = default;

 private:
  friend class Loop;
  Deferred* next_ = nullptr;
};

}  // namespace weir::net
