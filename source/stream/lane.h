// A Lane carries one message of an exchange through the chain in one direction: head, body, trailers
// enter at the near end, pass the filters in order, and leave through the LaneUser. It stops where
// a filter waits or wants the whole body, holds what arrives meanwhile, and asks for a pause when it
// holds much. Lives in its exchange; one worker.
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
  // Stop and restart the message's source.
  virtual void onLanePause(Direction direction, bool pause) = 0;
  virtual net::Loop& laneLoop() = 0;

 protected:
  ~LaneUser() = default;
};

template <Direction kDirection>
class Lane final : public net::TurnEnd {
 public:
  static constexpr size_t kHold = 64 * 1024;  // held bytes beyond which the source pauses
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
  // Nothing comes out any more; a waiting task is destroyed.
  void cancel();

  bool headOut() const { return state_ == State::Flowing; }
  std::string_view whole() const { return end_in_ ? std::string_view(held_) : std::string_view(); }

 private:
  enum class State : uint8_t { Idle, Whole, Waiting, Flowing, Cancelled };

  void runHead(size_t from);
  bool runBody(Chunk& chunk, size_t from, size_t to);  // false: stopped
  void runTrailers(size_t from);
  void flowHeld();
  void hold(std::string_view data, bool end);
  void finishHead();
  // True: go on with the next filter.
  bool obey(Verdict verdict, size_t position, Phase phase);
  Verdict callHead(Filter& filter);
  Verdict callBody(Filter& filter, Chunk& chunk);
  Verdict callTrailers(Filter& filter);
  Filter& filterAt(size_t position) { return *filters_[chain_->slotAt(kDirection, position)]; }
  void onTurnEnd() override;  // the task that was waited for is done
  void setPause(bool pause);
  void laneFlush();

  LaneUser& user_;
  const Chain* chain_ = nullptr;
  Filter* const* filters_ = nullptr;
  Stream* stream_ = nullptr;
  Head* head_ = nullptr;
  Fields* trailers_ = nullptr;
  State state_ = State::Idle;
  bool end_in_ = false;        // all of the message has entered
  bool paused_ = false;
  bool body_waits_ = false;    // a body or trailers hook waits: everything is held behind it
  size_t position_ = 0;        // where the head, or the waiting piece, stands
  size_t held_from_ = 0;       // the first filter that has not seen what is held
  std::string held_;
  Phase waiting_phase_ = Phase::Head;
  std::string waiting_chunk_;
  bool waiting_end_ = false;
  std::optional<Task<Verdict>> task_;
  std::coroutine_handle<> resumer_;
};

extern template class Lane<Direction::Request>;
extern template class Lane<Direction::Response>;

}  // namespace weir::stream
