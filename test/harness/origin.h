// An Origin is a scripted HTTP/1 server inside the test's own loop, on an abstract unix socket: it
// keeps every request it got, and answers as it was told. One thread: the test's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/net/fd.h"
#include "source/net/loop.h"

namespace weir::test {

using FieldList = std::vector<std::pair<std::string, std::string>>;

// One answer. An aggregate: Reply{200, {{"a", "b"}}, "body"}.
struct Reply {
  enum class Fate : uint8_t {
    Whole,
    Never,     // the request is read and never answered
    HangUp,    // the connection is closed instead of an answer
    CutShort,  // … in the middle of the body
  };

  uint16_t status = 200;
  FieldList fields{};
  std::string body{};
  std::chrono::milliseconds delay{0};  // of the test's time, before the first byte
  Fate fate = Fate::Whole;
  bool chunked = false;  // else with a content-length
  FieldList trailers{};  // chunked then, too
};

// One request as it arrived, framing taken off.
struct Seen {
  std::string head;  // request line and fields, a line each, "\n" at the end of each
  FieldList fields{};
  FieldList trailers{};
  std::string body{};

  // Empty when there is none; several are joined by ",".
  std::string field(std::string_view lower_name) const;
  std::string text() const;  // all of it, to compare
};

class Origin {
 public:
  using Script = std::function<Reply(const Seen&)>;

  // `progress` is counted up whenever something happens here.
  Origin(net::Loop& loop, uint64_t& progress);
  ~Origin();
  Origin(const Origin&) = delete;

  const std::string& address() const { return address_; }  // "@…"
  void answer(Reply reply) {
    script_ = [reply = std::move(reply)](const Seen&) { return reply; };
  }
  void answer(Script script) { script_ = std::move(script); }

  const std::vector<Seen>& seen() const { return seen_; }
  void forget() { seen_.clear(); }
  size_t connections() const { return links_.size(); }

 private:
  class Link;
  static void onAcceptable(evutil_socket_t, short, void* self);
  void accept();

  net::Loop& loop_;
  uint64_t& progress_;
  std::string address_;
  net::Fd socket_;
  event event_;
  Script script_ = [](const Seen&) { return Reply{}; };
  std::vector<Seen> seen_;
  std::list<std::unique_ptr<Link>> links_;
};

}  // namespace weir::test
