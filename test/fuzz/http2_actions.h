// What the user of an HTTP/2 session does of itself in a fuzz run, as bytes of the input say.
#pragma once

#include <string>
#include <string_view>

#include "test/fuzz/http2_invariants.h"

namespace weir::fuzz {

// The bytes that say what is done, round and round.
class Actions {
 public:
  explicit Actions(std::string_view bytes) : bytes_(bytes) {}
  uint8_t next() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_[at_++ % bytes_.size()]);
    return static_cast<uint8_t>(byte + at_ / bytes_.size());
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

// Reads, pauses, resumes, ends or resets a stream.
inline void act(Http2Session& session, FuzzStream& stream, Actions& actions) {
  static const std::string kBody(20000, 'b');
  switch (actions.next() % 8) {
    case 0:
      session.pause(stream);
      break;
    case 1: {
      const std::string held = session.resume(stream);
      break;
    }
    case 2:
      session.reset(stream, codec::Http2Code::Cancel);
      break;
    case 3:
      if (session.congested(stream)) break;  // as any user does
      session.sendBody(stream, std::string_view(kBody).substr(0, actions.next() * 78), false);
      break;
    case 4:
      session.sendBody(stream, "end", true);
      break;
    case 5: {
      Fields trailers(stream.arena);
      trailers.add("t", "x");
      session.sendTrailers(stream, trailers);
      break;
    }
    default: {
      const uint64_t fresh = stream.received - stream.consumed;
      if (stream.isOpen()) session.consume(stream, fresh);
      stream.consumed = stream.received;
    }
  }
}

}  // namespace weir::fuzz
