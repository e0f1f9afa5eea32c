// A DateText is the value of the Date field (RFC 9110 §5.6.7, IMF-fixdate), written anew once a
// second. One a worker.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

namespace weir::stream {

class DateText {
 public:
  // "Sun, 06 Nov 1994 08:49:37 GMT". Valid until the next call. Years 1970 to 9999.
  std::string_view at(std::chrono::system_clock::time_point now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (second != second_) write(second);
    return {text_.data(), text_.size()};
  }

 private:
  void write(std::chrono::sys_seconds second);

  std::chrono::sys_seconds second_{std::chrono::sys_seconds::min()};
  std::array<char, 29> text_{};
};

}  // namespace weir::stream
