#include "source/stream/lane.h"

#include <charconv>
#include <utility>

namespace weir::stream {
namespace {

// A coroutine that queues `work` for the end of the turn each time it is resumed. A task must not be
// destroyed from inside itself, so its end is handled one step later.
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

}  // namespace

template <Direction kDirection>
void Lane<kDirection>::head(Head& head, bool end) {
  head_ = &head;
  end_in_ = end;
  runHead(0);
}

template <Direction kDirection>
void Lane<kDirection>::runHead(size_t from) {
  for (const uint8_t position : chain_->order(kDirection, Phase::Head)) {
    if (position < from) continue;
    position_ = position;
    if (const BodyNeed need = chain_->need(kDirection, position); need.kind == BodyNeed::Kind::Whole) {
      if (!end_in_) {
        state_ = State::Whole;
        if (held_.size() > need.limit) user_.onLaneTooLarge(kDirection);
        return;
      }
      // Filters between the last stop and here see the body before the one that wants it whole.
      std::string data = std::exchange(held_, {});
      Chunk chunk{data, trailers_ == nullptr};
      if (!data.empty() && !runBody(chunk, held_from_, position)) return;
      held_.assign(chunk.data);
      held_from_ = position;
      if (held_.size() > need.limit) return user_.onLaneTooLarge(kDirection);
    }
    if (!obey(callHead(filterAt(position)), position, Phase::Head)) return;
  }
  finishHead();
}

template <Direction kDirection>
void Lane<kDirection>::finishHead() {
  state_ = State::Flowing;
  position_ = chain_->size();
  if (end_in_ && !held_.empty() && trailers_ == nullptr) {
    // Held whole: its length is known now, whatever framing it came with.
    if (!head_->fields.has(HeaderId::ContentLength) || held_from_ != 0) {
      head_->fields.set(HeaderId::ContentLength, std::to_string(held_.size()));
    }
  }
  const bool has_more = !held_.empty() || trailers_ != nullptr || !end_in_;
  user_.onLaneHead(kDirection, !has_more);
  if (has_more && state_ == State::Flowing) flowHeld();
}

template <Direction kDirection>
void Lane<kDirection>::flowHeld() {
  const std::string data = std::exchange(held_, {});
  const size_t from = std::exchange(held_from_, 0);
  const bool end = end_in_ && trailers_ == nullptr;
  setPause(false);
  if (!data.empty() || end) {
    Chunk chunk{data, end};
    if (!runBody(chunk, from, chain_->size())) return;
    user_.onLaneBody(kDirection, chunk.data, chunk.end);
    laneFlush();
  }
  if (trailers_ != nullptr && state_ == State::Flowing) runTrailers(0);
}

template <Direction kDirection>
bool Lane<kDirection>::runBody(Chunk& chunk, size_t from, size_t to) {
  for (const uint8_t position : chain_->order(kDirection, Phase::Body)) {
    if (position < from) continue;
    if (position >= to) break;
    Verdict verdict = callBody(filterAt(position), chunk);
    if (verdict.kind() == Verdict::Kind::Pass) continue;
    waiting_chunk_.assign(chunk.data);
    waiting_end_ = chunk.end;
    if (!obey(std::move(verdict), position, Phase::Body)) return false;
    chunk.data = waiting_chunk_;
  }
  return true;
}

template <Direction kDirection>
void Lane<kDirection>::body(std::string_view data, bool end) {
  if (state_ == State::Cancelled) return;
  if (body_waits_) return hold(data, end);
  Chunk chunk{data, end};
  const size_t reached = state_ == State::Flowing ? chain_->size() : position_;
  if (!runBody(chunk, 0, reached)) {
    end_in_ |= end;
    return;
  }
  if (state_ == State::Flowing) {
    end_in_ |= end;
    return user_.onLaneBody(kDirection, chunk.data, chunk.end);
  }
  hold(chunk.data, end);
}

template <Direction kDirection>
void Lane<kDirection>::hold(std::string_view data, bool end) {
  if (held_.empty()) held_from_ = body_waits_ ? 0 : position_;
  held_.append(data);
  end_in_ |= end;
  if (state_ == State::Whole) {
    if (held_.size() > chain_->need(kDirection, position_).limit) {
      return user_.onLaneTooLarge(kDirection);
    }
    if (end_in_) runHead(position_);
  } else if (held_.size() > kHold) {
    setPause(true);
  }
}

template <Direction kDirection>
void Lane<kDirection>::trailers(Fields& trailers) {
  if (state_ == State::Cancelled) return;
  trailers_ = &trailers;
  end_in_ = true;
  if (state_ == State::Whole) return runHead(position_);
  if (state_ == State::Flowing && !body_waits_) runTrailers(0);
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
bool Lane<kDirection>::obey(Verdict verdict, size_t position, Phase phase) {
  if (verdict.kind() == Verdict::Kind::Wait) {
    task_.emplace(verdict.takeTask());
    task_->start();
    if (!task_->done()) {
      waiting_phase_ = phase;
      position_ = position;
      if (phase == Phase::Head) {
        state_ = State::Waiting;
      } else {
        body_waits_ = true;
      }
      if (!resumer_) resumer_ = queueAtEachResume(user_.laneLoop(), *this).handle;
      task_->whenDone(resumer_);
      return false;
    }
    Verdict result = task_->take();
    task_.reset();
    return obey(std::move(result), position, phase);
  }
  if (state_ == State::Cancelled) return false;
  if (verdict.kind() == Verdict::Kind::Pass) return true;
  user_.onLaneReply(kDirection, verdict.localReply());
  return false;
}

template <Direction kDirection>
void Lane<kDirection>::onTurnEnd() {
  if (!task_ || state_ == State::Cancelled) return;
  Verdict verdict = task_->take();
  task_.reset();
  const size_t position = position_;
  const Phase phase = waiting_phase_;
  if (phase == Phase::Head) {
    if (obey(std::move(verdict), position, phase)) runHead(position + 1);
    return;
  }
  body_waits_ = false;
  if (!obey(std::move(verdict), position, phase)) return;
  if (phase == Phase::Trailers) return runTrailers(position + 1);
  Chunk chunk{waiting_chunk_, waiting_end_};
  if (!runBody(chunk, position + 1, chain_->size())) return;
  user_.onLaneBody(kDirection, chunk.data, chunk.end);
  laneFlush();
  if (state_ == State::Flowing && (!held_.empty() || (end_in_ && !waiting_end_) || trailers_ != nullptr)) {
    flowHeld();
  } else {
    setPause(false);
  }
}

// What was handed on points into strings about to be freed.
template <Direction kDirection>
void Lane<kDirection>::laneFlush() {
  user_.laneLoop().flushTurn();
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
  if constexpr (kDirection == Direction::Request) return filter.onRequest(*head_, *stream_);
  else return filter.onResponse(*head_, *stream_);
}

template <Direction kDirection>
Verdict Lane<kDirection>::callBody(Filter& filter, Chunk& chunk) {
  if constexpr (kDirection == Direction::Request) return filter.onRequestBody(chunk, *stream_);
  else return filter.onResponseBody(chunk, *stream_);
}

template <Direction kDirection>
Verdict Lane<kDirection>::callTrailers(Filter& filter) {
  if constexpr (kDirection == Direction::Request) return filter.onRequestTrailers(*trailers_, *stream_);
  else return filter.onResponseTrailers(*trailers_, *stream_);
}

template class Lane<Direction::Request>;
template class Lane<Direction::Response>;

}  // namespace weir::stream
