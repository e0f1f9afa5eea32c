#include "source/codec/http2/send_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/codec/http2/message_lines.h"

namespace weir::codec {
namespace {

void putText(std::string& to, std::string_view text) {
  char size[4];
  writeUint32(size, static_cast<uint32_t>(text.size()));
  to.append(size, sizeof size).append(text);
}

std::string_view takeText(std::string_view& from) {
  const std::string_view text = from.substr(4, readUint32(from.data()));
  from.remove_prefix(4 + text.size());
  return text;
}

bool add(int32_t& window, int64_t difference) {
  const int64_t sum = window + difference;
  if (sum > int64_t{kMaxWindow} || sum < -int64_t{kMaxWindow}) return false;
  window = static_cast<int32_t>(sum);
  return true;
}

}  // namespace

size_t SendQueue::allowed(const Http2Stream& stream) const {
  const int32_t least = std::min(window_, stream.send_window_);
  return least > 0 ? static_cast<size_t>(least) : 0;
}

size_t SendQueue::write(Http2Stream& stream, std::string_view data, bool end) {
  const size_t size = std::min(data.size(), allowed(stream));
  size_t written = 0;
  do {
    const size_t n = std::min<size_t>(size - written, kMaxFrameSize);
    if (n == 0 && !data.empty()) break;
    writer_.data(stream.id_, data.substr(written, n), end && written + n == data.size());
    stream.sent_.total += kFrameHeaderSize + n;
    written += n;
  } while (written < size);
  window_ -= static_cast<int32_t>(written);
  stream.send_window_ -= static_cast<int32_t>(written);
  return written;
}

void SendQueue::body(Http2Stream& stream, std::string_view data, bool end) {
  if (data.empty() && !end) return;
  if (stream.backlog_ == nullptr) {
    const size_t written = write(stream, data, end);
    if (written == data.size()) {
      if (end) owner_.onLocalEnd(stream);
      return;
    }
    data.remove_prefix(written);
    stream.backlog_ = std::make_unique<Http2Stream::Backlog>();
  }
  stream.backlog_->bytes.append(data);
  stream.backlog_->end = end;
  if (stream.send_window_ > 0) makeReady(stream);
}

void SendQueue::trailers(Http2Stream& stream, const Fields& trailers) {
  if (stream.backlog_ == nullptr) {
    HeaderLines lines;
    listTrailers(trailers, lines);
    if (lines.size() == 0) {
      writer_.data(stream.id_, {}, true);
    } else {
      stream.count(stream.sent_, writer_.headers(stream.id_, lines, true));
    }
    return owner_.onLocalEnd(stream);
  }
  // Their block is encoded when it is their turn: its place among all blocks counts.
  for (const Field& field : trailers) {
    if (!isWritten(field)) continue;
    putText(stream.backlog_->trailers, field.name());
    putText(stream.backlog_->trailers, field.value());
  }
  stream.backlog_->end = true;
}

void SendQueue::forget(Http2Stream& stream) {
  if (stream.ready_) {
    Http2Stream* before = nullptr;
    Http2Stream** link = &ready_;
    while (*link != &stream) {
      before = *link;
      link = &before->next_ready_;
    }
    *link = stream.next_ready_;
    if (last_ready_ == &stream) last_ready_ = before;
    stream.next_ready_ = nullptr;
    stream.ready_ = false;
  }
  stream.backlog_.reset();
}

Http2Fault SendQueue::widen(uint32_t increment) {
  return add(window_, increment) ? Http2Fault::None : Http2Fault::WindowOverflow;
}

Http2Fault SendQueue::widen(Http2Stream& stream, uint32_t increment) {
  if (!add(stream.send_window_, increment)) return Http2Fault::WindowOverflow;
  if (stream.backlog_ != nullptr && stream.send_window_ > 0) makeReady(stream);
  return Http2Fault::None;
}

Http2Fault SendQueue::shift(const StreamTable& streams, int64_t difference) {
  bool fits = true;
  streams.forEach([&](Http2Stream& stream) {
    fits = add(stream.send_window_, difference) && fits;
    if (stream.backlog_ != nullptr && stream.send_window_ > 0) makeReady(stream);
  });
  return fits ? Http2Fault::None : Http2Fault::InvalidWindowSetting;
}

void SendQueue::makeReady(Http2Stream& stream) {
  if (stream.ready_) return;
  stream.ready_ = true;
  (last_ready_ == nullptr ? ready_ : last_ready_->next_ready_) = &stream;
  last_ready_ = &stream;
}

Http2Stream* SendQueue::takeReady() {
  Http2Stream* const stream = ready_;
  ready_ = std::exchange(stream->next_ready_, nullptr);
  if (ready_ == nullptr) last_ready_ = nullptr;
  stream->ready_ = false;
  return stream;
}

void SendQueue::drain() {
  while (ready_ != nullptr && window_ > 0) drainOne(*takeReady());
}

void SendQueue::drainOne(Http2Stream& stream) {
  Http2Stream::Backlog& backlog = *stream.backlog_;
  const size_t n = std::min({backlog.unsent(), allowed(stream), size_t{kMaxFrameSize}});
  if (n == 0 && backlog.unsent() != 0) return;  // its window closed again
  const bool all = n == backlog.unsent();
  const bool end = all && backlog.end;
  const std::string_view piece = std::string_view(backlog.bytes).substr(backlog.sent, n);
  const bool end_here = end && backlog.trailers.empty();
  writer_.data(stream.id_, piece, end_here, true);
  stream.sent_.total += kFrameHeaderSize + n;
  backlog.sent += n;
  window_ -= static_cast<int32_t>(n);
  stream.send_window_ -= static_cast<int32_t>(n);
  if (!all) {
    if (stream.send_window_ > 0) makeReady(stream);
    return;
  }
  if (end && !end_here) writeTrailers(stream);
  stream.backlog_.reset();
  end ? owner_.onLocalEnd(stream) : owner_.onUnsentGone(stream);
}

void SendQueue::writeTrailers(Http2Stream& stream) {
  std::string_view rest = stream.backlog_->trailers;
  HeaderLines lines;
  while (!rest.empty()) {
    const std::string_view name = takeText(rest);
    lines.add(name, takeText(rest));
  }
  stream.count(stream.sent_, writer_.headers(stream.id_, lines, true));
}

}  // namespace weir::codec
