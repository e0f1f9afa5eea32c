// A Page collects text and hands it on in pieces of about 32 KB, so that a page of any size is
// never held whole. Used by one thread; the sink is called from append() and from the destructor.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace weir::telemetry {

using Sink = std::function<void(std::string_view)>;

class Page {
 public:
  explicit Page(const Sink& sink) : sink_(sink) { text_.reserve(kPiece + kPiece / 8); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() { flush(); }

  // The part not yet handed on: write into it, then call settle().
  std::string& text() { return text_; }
  void settle() {
    if (text_.size() >= kPiece) flush();
  }
  void append(std::string_view piece) {
    text_.append(piece);
    settle();
  }
  void flush() {
    if (!text_.empty()) sink_(text_);
    text_.clear();
  }

 private:
  static constexpr size_t kPiece = 32 * 1024;
  const Sink& sink_;
  std::string text_;
};

}  // namespace weir::telemetry
