// A Lane carries one message of an exchange through the chain in one direction: head, body,
// trailers enter at the near end, pass the filters in order, and leave through the LaneUser. It
// stops where a filter waits or wants the whole body, holds what arrives meanwhile, and asks for a
// pause when it holds much. Lives in its exchange; one worker.
//
//   open head body* trailers?   cancel() at any time, also from inside a call to the user
//
// At most one filter waits at a time. What arrives meanwhile stands before the first filter, in
// inbox_; what a filter that wants the whole body is given stands before that one, in held_.
#pragma once

#include <coroutine>
#include <optional>
#include <string>
#include <string_view>

#include "source/net/loop.h"
#include "source/stream/chain.h"
#include "weir/filter.h"

namespace weir::stream {

template <Direction kDirection>
class Lane;

// Where a lane's message comes out, and whom it asks.
class LaneUser {
 public:
  virtual void onLaneHead(Direction direction, bool end) = 0;
  virtual void onLaneBody(Direction direction, std::string_view data, bool end) = 0;
  virtual void onLaneTrailers(Direction direction, Fields& trailers) = 0;
  virtual void onLaneReply(Direction direction, const LocalReply& reply) = 0;
  // The message is longer than a filter that wants it whole allows.
  virtual void onLaneTooLarge(Direction direction) = 0;
  // What the filter in that slot said of the head, or how it ended a wait.
  virtual void onLaneVerdict(size_t slot, Verdict::Kind verdict, bool waited) = 0;
  // Stop and restart the message's source.
  virtual void onLanePause(Direction direction, bool pause) = 0;
  virtual net::Loop& laneLoop() = 0;

 protected:
  ~LaneUser() = default;
};

template <Direction kDirection>
class Lane final : public net::TurnEnd {
 public:
  static constexpr size_t kHold = 64 * 1024;  // inbox bytes beyond which the source pauses
  using Head = std::conditional_t<kDirection == Direction::Request, RequestHead, ResponseHead>;

  explicit Lane(LaneUser& user) : user_(user) {}
  ~Lane() { cancel(); }

  // Before head(). `filters` by slot; all outlive the lane's last call.
  void open(const Chain& chain, Filter* const* filters, Stream& stream) {
    chain_ = &chain;
    filters_ = filters;
    stream_ = &stream;
  }
  void head(Head& head, bool end);
  void body(std::string_view data, bool end);
  void trailers(Fields& trailers);
  // From onLaneHead(): the head comes out once more at that time, and what follows it not before.
  void comeAgain(Pending<void> when);
  // Nothing comes out any more; a waiting task is destroyed.
  void cancel();

  bool headOut() const { return state_ == State::Flowing; }
  // What a filter that asked for the body is given; of a prefix it may be more than was asked for.
  std::string_view whole() const {
    return whole_ready_ ? std::string_view(held_) : std::string_view();
  }

 private:
  enum class State : uint8_t { Stopped, Flowing, Cancelled };

  void runHead();                   // from head_at_ on
  bool gatherWhole(BodyNeed need);  // true: the filter at head_at_ can be called
  void lengthIsKnown();
  void finishHead();
  bool moveHeld(size_t to);
  bool moveInbox(size_t to);
  bool runPiece(size_t from, size_t to);  // false: piece_ waits, or nothing comes out any more
  void outPiece();
  void flow();
  void runTrailers(size_t from);
  void endWith(std::string_view last, size_t from);
  // True: go on with the next filter.
  bool obey(Verdict verdict, size_t position, Phase phase, bool waited = false);
  Verdict callHead(Filter& filter);
  Verdict callBody(Filter& filter);
  Verdict callTrailers(Filter& filter);
  Filter& filterAt(size_t position) { return *filters_[chain_->slotAt(kDirection, position)]; }
  void onTurnEnd() override;  // the task that was waited for is done
  void await(size_t position, Phase phase);
  void resumeBody();
  void setPause(bool pause);

  LaneUser& user_;
  const Chain* chain_ = nullptr;
  Filter* const* filters_ = nullptr;
  Stream* stream_ = nullptr;
  Head* head_ = nullptr;
  Fields* trailers_ = nullptr;
  State state_ = State::Stopped;
  bool had_body_ = false;  // the message did not end with its head
  bool end_in_ = false;    // all of the message has entered
  bool paused_ = false;
  bool whole_ready_ = false;  // held_ is shown to filters
  bool held_end_ = false;     // the body's end is in held_
  bool inbox_end_ = false;    // … in inbox_
  size_t head_at_ = 0;        // the filter that the head stands before or waits in
  BodyNeed asked_;            // what that filter wants of this message; none: what its plan wants
  size_t held_from_ = 0;      // the first filter that has not seen held_
  std::string held_;
  std::string inbox_;
  Chunk piece_;              // on its way through the body hooks
  std::string piece_bytes_;  // what piece_ points to while it waits
  size_t task_at_ = 0;       // the filter whose hook waits
  Phase task_phase_ = Phase::Head;
  std::optional<Task<Verdict>> task_;
  std::coroutine_handle<> resumer_;
};

extern template class Lane<Direction::Request>;
extern template class Lane<Direction::Response>;

}  // namespace weir::stream
