#include "source/stream/date_text.h"

#include <cstring>

namespace weir::stream {
namespace {

void putTwo(char* to, unsigned number) {
  to[0] = static_cast<char>('0' + number / 10 % 10);
  to[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

void DateText::write(std::chrono::sys_seconds second) {
  constexpr const char* kDays = "SunMonTueWedThuFriSat";
  constexpr const char* kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  second_ = second;
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(second - day);
  char* to = text_.data();
  std::memcpy(to, "Sun, 06 Nov 1994 08:49:37 GMT", text_.size());
  std::memcpy(to, kDays + 3 * std::chrono::weekday(day).c_encoding(), 3);
  putTwo(to + 5, static_cast<unsigned>(date.day()));
  std::memcpy(to + 8, kMonths + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  putTwo(to + 12, year / 100);
  putTwo(to + 14, year % 100);
  putTwo(to + 17, static_cast<unsigned>(time.hours().count()));
  putTwo(to + 20, static_cast<unsigned>(time.minutes().count()));
  putTwo(to + 23, static_cast<unsigned>(time.seconds().count()));
}

}  // namespace weir::stream
