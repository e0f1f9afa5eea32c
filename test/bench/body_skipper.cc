#include "body_skipper.h"

#include <algorithm>
#include <charconv>

namespace weir::bench {
namespace {

constexpr std::size_t kMaxLine = 16 * 1024;

}  // namespace

void BodySkipper::expectLength(std::uint64_t bytes) {
  left_ = bytes;
  state_ = bytes == 0 ? State::Done : State::Length;
}

void BodySkipper::expectChunks() {
  line_.clear();
  state_ = State::ChunkSize;
}

bool BodySkipper::skip(std::string_view& bytes) {
  while (!bytes.empty() && state_ != State::Done) {
    if (state_ == State::Length) {
      skipData(bytes, State::Done);
    } else if (state_ == State::ChunkData) {
      skipData(bytes, State::ChunkEnd);
    } else if (takeLine(bytes)) {
      if (!applyLine()) return false;
      line_.clear();
    } else if (line_.size() > kMaxLine) {
      return false;
    }
  }
  return true;
}

void BodySkipper::skipData(std::string_view& bytes, State next) {
  const std::uint64_t size = std::min<std::uint64_t>(left_, bytes.size());
  bytes.remove_prefix(size);
  left_ -= size;
  if (left_ == 0) state_ = next;
}

// True when line_ is complete.
bool BodySkipper::takeLine(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  line_.append(bytes.substr(0, end));
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return false;
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return true;
}

bool BodySkipper::applyLine() {
  if (state_ == State::ChunkEnd) {
    state_ = State::ChunkSize;
    return line_.empty();
  }
  if (state_ == State::Trailers) {
    if (line_.empty()) state_ = State::Done;
    return true;
  }
  const char* const end = line_.data() + line_.size();
  const auto [stop, error] = std::from_chars(line_.data(), end, left_, 16);
  if (error != std::errc() || (stop != end && *stop != ';' && *stop != ' ')) return false;
  state_ = left_ == 0 ? State::Trailers : State::ChunkData;
  return true;
}

}  // namespace weir::bench
