// A ResponseReader checks the HTTP/1.1 responses of one connection as their bytes arrive: status
// 200, a content-length (the expected one, if one is expected), exactly that many body bytes, each
// one from Pattern, and nothing after them. It is deliberately narrow: anything a benchmark's
// origin did not send is a Fault, so a proxy cannot look fast by answering something else.
//
// Owned by its connection, one thread. Call order: (begin feed*)*, where the last feed of a
// response returns Done or a Fault; after a Fault the connection must be closed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::bench {

enum class Fault : std::uint8_t {
  Connect,  // The connection could not be opened.
  Closed,   // Closed or reset before the response was complete.
  Head,     // Not a response head we can read, or one longer than 64 KB.
  Status,   // Not 200.
  Length,   // No content-length, or not the expected one.
  Pattern,  // Body bytes that the origin did not send.
  Surplus,  // Bytes after the end of the response, or without a request.
  Stalled,  // Nothing arrived for the stall limit.
};
inline constexpr std::size_t kFaultCount = 8;
const char* faultName(Fault fault);

class ResponseReader {
 public:
  enum class Progress : std::uint8_t { More, Done, Failed };

  // Forgets the previous response and expects the next one.
  void begin(std::optional<std::uint64_t> expected_length);

  Progress feed(std::string_view bytes);

  Fault fault() const { return fault_; }  // Valid after Failed.
  bool started() const { return in_body_ || !head_.empty(); }
  bool mustClose() const { return must_close_; }         // The response said 'connection: close'.
  std::uint64_t bodyBytes() const { return received_; }  // Of this response, so far.

 private:
  Progress fail(Fault fault);
  Progress feedBody(std::string_view bytes);
  Progress readHead(std::string_view head);
  bool readField(std::string_view line);

  std::optional<std::uint64_t> expected_;
  std::optional<std::uint64_t> length_;
  std::uint64_t received_ = 0;
  std::string head_;  // A head that arrived in more than one part.
  bool in_body_ = false;
  bool must_close_ = false;
  Fault fault_ = Fault::Head;
};

}  // namespace weir::bench
