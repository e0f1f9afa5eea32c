#include "source/stream/lane.h"

#include <charconv>
#include <utility>

namespace weir::stream {
namespace {

// A coroutine that queues `work` for the end of the turn each time it is resumed. A task must not
// be destroyed from inside itself, so its end is handled one step later.
struct Resumer {
  struct promise_type {
    Resumer get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::abort(); }
  };
  std::coroutine_handle<> handle;
};

Resumer queueAtEachResume(net::Loop& loop, net::TurnEnd& work) {
  for (;;) {
    loop.atTurnEnd(work);
    co_await std::suspend_always{};
  }
}

Task<Verdict> passAfter(Pending<void> when) {
  co_await when;
  co_return Verdict::pass();
}

}  // namespace

template <Direction kDirection>
void Lane<kDirection>::head(Head& head, bool end) {
  head_ = &head;
  had_body_ = !end;
  end_in_ = end;
  runHead();
}

template <Direction kDirection>
void Lane<kDirection>::runHead() {
  for (const uint8_t position : chain_->order(kDirection, Phase::Head)) {
    if (position < head_at_) continue;
    head_at_ = position;
    const bool asked = asked_.kind == BodyNeed::Kind::Whole;
    const BodyNeed need = asked ? asked_ : chain_->need(kDirection, position);
    if (need.kind == BodyNeed::Kind::Whole && !gatherWhole(need)) return;
    if (!obey(callHead(filterAt(position)), position, Phase::Head)) return;
    head_at_ = position + 1;
    asked_ = {};
  }
  finishHead();
}

// The filters between the last stop and this one see the body first: it enters held_ through them.
template <Direction kDirection>
bool Lane<kDirection>::gatherWhole(BodyNeed need) {
  if (!moveHeld(head_at_) || !moveInbox(head_at_)) return false;
  const bool complete = end_in_ && (held_end_ || trailers_ != nullptr || !had_body_);
  if (held_.size() > need.limit && !need.partial) {
    user_.onLaneTooLarge(kDirection);
    return false;
  }
  if (!complete && !(need.partial && held_.size() >= need.limit)) {
    setPause(false);
    return false;
  }
  if (complete) lengthIsKnown();
  whole_ready_ = true;
  return true;
}

// Whatever framing the message came with. One with trailers stays chunked, for HTTP/1 has no other
// place for them.
template <Direction kDirection>
void Lane<kDirection>::lengthIsKnown() {
  if (!had_body_ || trailers_ != nullptr) return;
  char text[24];
  const auto done = std::to_chars(text, text + sizeof text, held_.size());
  const std::string_view length(text, static_cast<size_t>(done.ptr - text));
  if (head_->fields.get(HeaderId::ContentLength) != length) {
    head_->fields.set(HeaderId::ContentLength, length);
  }
}

template <Direction kDirection>
void Lane<kDirection>::finishHead() {
  state_ = State::Flowing;
  head_at_ = chain_->size();
  whole_ready_ = false;
  user_.onLaneHead(kDirection, !had_body_);
  if (had_body_ && state_ == State::Flowing) flow();
}

// Moves what stands in the middle of the chain up to the filter at `to`. False: it waits on its
// way.
template <Direction kDirection>
bool Lane<kDirection>::moveHeld(size_t to) {
  if ((held_.empty() && !held_end_) || held_from_ == to) return true;
  piece_bytes_ = std::exchange(held_, {});
  piece_ = {piece_bytes_, std::exchange(held_end_, false)};
  if (!runPiece(held_from_, to)) return false;
  outPiece();
  return state_ != State::Cancelled;
}

template <Direction kDirection>
bool Lane<kDirection>::moveInbox(size_t to) {
  if (inbox_.empty() && !inbox_end_) return true;
  piece_bytes_ = std::exchange(inbox_, {});
  piece_ = {piece_bytes_, std::exchange(inbox_end_, false)};
  if (!runPiece(0, to)) return false;
  outPiece();
  return state_ != State::Cancelled;
}

// The piece has passed all filters up to where the head is: out, or to those who want it whole.
template <Direction kDirection>
void Lane<kDirection>::outPiece() {
  if (state_ != State::Flowing) {
    held_.append(piece_.data);
    held_end_ |= piece_.end;
    held_from_ = head_at_;
    return;
  }
  user_.onLaneBody(kDirection, piece_.data, piece_.end);
}

template <Direction kDirection>
bool Lane<kDirection>::runPiece(size_t from, size_t to) {
  for (const uint8_t position : chain_->order(kDirection, Phase::Body)) {
    if (position < from) continue;
    if (position >= to) break;
    Verdict verdict = callBody(filterAt(position));
    if (verdict.kind() == Verdict::Kind::Pass) continue;
    if (!obey(std::move(verdict), position, Phase::Body)) return false;
  }
  return true;
}

// The head is out: everything held follows it. Views are written, so they are flushed before the
// bytes they show are replaced.
template <Direction kDirection>
void Lane<kDirection>::flow() {
  if (!moveHeld(chain_->size())) return;
  if (!piece_bytes_.empty()) user_.laneLoop().flushTurn();
  if (state_ != State::Flowing || task_ || !moveInbox(chain_->size())) return;
  if (!piece_bytes_.empty()) user_.laneLoop().flushTurn();
  if (state_ != State::Flowing || task_) return;
  piece_bytes_ = {};
  setPause(false);
  if (trailers_ != nullptr) runTrailers(0);
}

template <Direction kDirection>
void Lane<kDirection>::body(std::string_view data, bool end) {
  if (state_ == State::Cancelled) return;
  end_in_ |= end;
  if (task_) {
    inbox_.append(data);
    inbox_end_ |= end;
    if (inbox_.size() > kHold) setPause(true);
    return;
  }
  piece_ = {data, end};
  if (!runPiece(0, state_ == State::Flowing ? chain_->size() : head_at_)) return;
  outPiece();
  if (state_ == State::Stopped) runHead();
}

template <Direction kDirection>
void Lane<kDirection>::trailers(Fields& trailers) {
  if (state_ == State::Cancelled) return;
  trailers_ = &trailers;
  end_in_ = true;
  if (task_) return;
  state_ == State::Stopped ? runHead() : runTrailers(0);
}

template <Direction kDirection>
void Lane<kDirection>::runTrailers(size_t from) {
  for (const uint8_t position : chain_->order(kDirection, Phase::Trailers)) {
    if (position < from) continue;
    if (!obey(callTrailers(filterAt(position)), position, Phase::Trailers)) return;
  }
  user_.onLaneTrailers(kDirection, *trailers_);
}

template <Direction kDirection>
bool Lane<kDirection>::obey(Verdict verdict, size_t position, Phase phase, bool waited) {
  for (;;) {
    if (phase == Phase::Head || waited || verdict.kind() != Verdict::Kind::Pass) {
      user_.onLaneVerdict(chain_->slotAt(kDirection, position), verdict.kind(), waited);
    }
    if (verdict.kind() != Verdict::Kind::Wait) break;
    // The coroutine may look at the piece until it is done, so the piece gets bytes of its own.
    if (phase == Phase::Body && piece_.data.data() != piece_bytes_.data()) {
      piece_bytes_.assign(piece_.data);
      piece_.data = piece_bytes_;
    }
    task_.emplace(verdict.takeTask());
    task_->start();
    if (!task_->done()) {
      await(position, phase);
      return false;
    }
    Verdict result = task_->take();
    task_.reset();
    verdict = std::move(result);
    waited = true;
  }
  if (state_ == State::Cancelled) return false;
  switch (verdict.kind()) {
    case Verdict::Kind::Reply:
      user_.onLaneReply(kDirection, verdict.localReply());
      return false;
    case Verdict::Kind::Gather:
      if (phase != Phase::Head || asked_.kind == BodyNeed::Kind::Whole) return true;
      asked_ = verdict.bodyNeed();
      if (asked_.kind != BodyNeed::Kind::Whole) return true;
      runHead();
      return false;
    case Verdict::Kind::EndWith:
      if (phase != Phase::Trailers) return true;
      endWith(verdict.lastPiece(), position + 1);
      return false;
    default:
      return true;
  }
}

template <Direction kDirection>
void Lane<kDirection>::await(size_t position, Phase phase) {
  task_phase_ = phase;
  task_at_ = position;
  if (!resumer_) resumer_ = queueAtEachResume(user_.laneLoop(), *this).handle;
  task_->whenDone(resumer_);
}

template <Direction kDirection>
void Lane<kDirection>::comeAgain(Pending<void> when) {
  state_ = State::Stopped;
  task_.emplace(passAfter(std::move(when)));
  task_->start();
  await(chain_->size(), Phase::Head);
  if (task_->done()) resumer_.resume();
}

// The rest of the chain sees a message that never had trailers.
template <Direction kDirection>
void Lane<kDirection>::endWith(std::string_view last, size_t from) {
  trailers_ = nullptr;
  piece_ = {last, true};
  if (runPiece(from, chain_->size())) outPiece();
}

template <Direction kDirection>
void Lane<kDirection>::onTurnEnd() {
  if (!task_ || state_ == State::Cancelled) return;
  Verdict verdict = task_->take();
  task_.reset();
  if (task_at_ == chain_->size()) return runHead();  // who took the head waited
  const size_t next = task_at_ + 1;
  const Phase phase = task_phase_;
  if (!obey(std::move(verdict), task_at_, phase, true)) return;
  switch (phase) {
    case Phase::Head:
      head_at_ = next;
      asked_ = {};
      return runHead();
    case Phase::Body:
      if (!runPiece(next, head_at_)) return;
      outPiece();
      return resumeBody();
    case Phase::Trailers:
      return runTrailers(next);
  }
}

template <Direction kDirection>
void Lane<kDirection>::resumeBody() {
  if (state_ == State::Stopped) return runHead();
  user_.laneLoop().flushTurn();
  if (state_ == State::Flowing && !task_) flow();
}

template <Direction kDirection>
void Lane<kDirection>::setPause(bool pause) {
  if (paused_ == pause) return;
  paused_ = pause;
  user_.onLanePause(kDirection, pause);
}

template <Direction kDirection>
void Lane<kDirection>::cancel() {
  state_ = State::Cancelled;
  task_.reset();
  if (resumer_) {
    user_.laneLoop().cancelTurnEnd(*this);
    std::exchange(resumer_, nullptr).destroy();
  }
}

template <Direction kDirection>
Verdict Lane<kDirection>::callHead(Filter& filter) {
  if constexpr (kDirection == Direction::Request)
    return filter.onRequest(*head_, *stream_);
  else
    return filter.onResponse(*head_, *stream_);
}

template <Direction kDirection>
Verdict Lane<kDirection>::callBody(Filter& filter) {
  if constexpr (kDirection == Direction::Request)
    return filter.onRequestBody(piece_, *stream_);
  else
    return filter.onResponseBody(piece_, *stream_);
}

template <Direction kDirection>
Verdict Lane<kDirection>::callTrailers(Filter& filter) {
  if constexpr (kDirection == Direction::Request)
    return filter.onRequestTrailers(*trailers_, *stream_);
  else
    return filter.onResponseTrailers(*trailers_, *stream_);
}

template class Lane<Direction::Request>;
template class Lane<Direction::Response>;

}  // namespace weir::stream
