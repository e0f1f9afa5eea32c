#include "source/telemetry/log_time.h"

#include <ctime>

#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

constexpr int64_t kNanos = 1'000'000'000;

struct Split {
  int64_t seconds;
  int64_t nanos;
};

Split split(WallTime time) {
  const int64_t since =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  Split parts{since / kNanos, since % kNanos};
  if (parts.nanos < 0) parts = {parts.seconds - 1, parts.nanos + kNanos};
  return parts;
}

// "2016-04-15T20:17:00" changes once a second; each thread keeps its last one.
std::string_view secondText(int64_t seconds) {
  static thread_local int64_t t_second = -1;
  static thread_local char t_text[32];
  static thread_local size_t t_size = 0;
  if (seconds != t_second) {
    const time_t when = seconds;
    tm broken{};
    gmtime_r(&when, &broken);
    t_size = std::strftime(t_text, sizeof(t_text), "%Y-%m-%dT%H:%M:%S", &broken);
    t_second = seconds;
  }
  return {t_text, t_size};
}

bool isDigit(char c) { return c >= '1' && c <= '9'; }

// The pieces of a % conversion that strftime does not know.
struct Extension {
  size_t size = 0;          // of the conversion, after the '%'; 0: not an extension
  std::string_view before;  // strftime format that comes first
  int fraction = 0;         // then so many digits of the fraction
  bool epoch = false;       // or the seconds since the epoch
};

Extension extensionAt(std::string_view rest) {
  if (rest.starts_with("s")) return {1, "", 0, true};
  if (rest.starts_with("f")) return {1, "", 9};
  if (rest.starts_with("Z")) return {1, "UTC"};
  if (rest.starts_with("Ez")) return {2, "+00:00"};
  if (rest.starts_with("E*z")) return {3, "+00:00:00"};
  if (rest.starts_with("ET")) return {2, "T"};
  if (rest.starts_with("E4Y")) return {3, "%Y"};
  if (rest.starts_with("E*S")) return {3, "%S.", 9};
  if (rest.starts_with("E*f")) return {3, "", 9};
  if (rest.size() >= 2 && isDigit(rest[0]) && rest[1] == 'f') return {2, "", rest[0] - '0'};
  if (rest.size() >= 3 && rest[0] == 'E' && isDigit(rest[1])) {
    if (rest[2] == 'S') return {3, "%S.", rest[1] - '0'};
    if (rest[2] == 'f') return {3, "", rest[1] - '0'};
  }
  return {};
}

}  // namespace

void LogTime::strftimePiece(std::string_view format) {
  if (format.empty()) return;
  if (pieces_.empty() || pieces_.back().kind != Kind::Strftime)
    pieces_.push_back({Kind::Strftime, 0, {}});
  pieces_.back().format.append(format);
}

LogTime::LogTime(std::string_view format) {
  while (!format.empty()) {
    const size_t percent = std::min(format.find('%'), format.size());
    strftimePiece(format.substr(0, percent));
    format.remove_prefix(percent);
    if (format.size() < 2) {
      strftimePiece(format.empty() ? "" : "%%");
      return;
    }
    const Extension extension = extensionAt(format.substr(1));
    if (extension.size == 0) {
      strftimePiece(format.substr(0, 2));
      format.remove_prefix(2);
      continue;
    }
    strftimePiece(extension.before);
    if (extension.epoch) pieces_.push_back({Kind::Epoch, 0, {}});
    if (extension.fraction > 0) pieces_.push_back({Kind::Fraction, extension.fraction, {}});
    format.remove_prefix(1 + extension.size);
  }
}

void LogTime::append(std::string& to, WallTime time) const {
  const Split parts = split(time);
  if (pieces_.empty()) {
    to.append(secondText(parts.seconds)).push_back('.');
    appendPadded(to, static_cast<uint64_t>(parts.nanos / 1'000'000), 3);
    to.push_back('Z');
    return;
  }
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Kind::Epoch:
        appendNumber(to, parts.seconds);
        break;
      case Kind::Fraction: {
        int64_t divisor = 1;
        for (int digit = piece.digits; digit < 9; ++digit) divisor *= 10;
        appendPadded(to, static_cast<uint64_t>(parts.nanos / divisor),
                     static_cast<size_t>(piece.digits));
        break;
      }
      case Kind::Strftime: {
        const time_t when = parts.seconds;
        tm broken{};
        gmtime_r(&when, &broken);
        char text[512];  // a longer text is left out
        to.append(text, std::strftime(text, sizeof(text), piece.format.c_str(), &broken));
        break;
      }
    }
  }
}

}  // namespace weir::telemetry
