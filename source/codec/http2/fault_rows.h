// Rows of what a hostile or broken client sends, and what becomes of it. Each row is given whole,
// cut at every place, and byte by byte: the outcome is one. Test only.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/codec/http2/feeding.h"
#include "source/codec/http2/recorder.h"
#include "source/codec/http2/server_session.h"
#include "source/codec/http2/test_frames.h"

namespace weir::codec {

struct FaultRow {
  std::string_view what;  // RFC section and rule, or the CVE
  std::string bytes;      // behind the preface
  std::string expected;   // the last thing told, and the last frame written
};

// A connection error is told with its reason and code; a stream error with the stream.
inline std::string failed(std::string_view reason, std::string_view code, uint32_t last = 1) {
  return "failed " + std::string(reason) + " | GOAWAY " + std::to_string(last) + " " +
         std::string(code) + " " + std::string(reason);
}

// What the first request ended with.
inline void answer(ServerRecorder& user, Http2ServerSession& session) {
  for (RecordedStream& stream : user.streams) {
    if (!stream.isOpen() || !stream.remoteEnded() || stream.localEnded()) continue;
    ResponseHead head(stream.arena);
    session.sendHead(stream, head, true);
  }
}

inline std::string outcome(const Http2Options& options, const FaultRow& row,
                           std::span<const size_t> ends) {
  ServerRecorder user;
  Http2ServerSession session(options, user.pool, user);
  session.start();
  feed(session, preface());
  user.take(session);
  feed(session, row.bytes, ends);
  std::string told = user.log();
  std::string written = describe(user.take(session));
  if (const size_t at = told.rfind("; "); at != told.npos) told.erase(0, at + 2);
  if (const size_t at = written.rfind(", "); at != written.npos) written.erase(0, at + 2);
  answer(user, session);
  session.abandon({});
  return told + " | " + written;
}

inline void check(const Http2Options& options, const std::vector<FaultRow>& rows) {
  for (const FaultRow& row : rows) {
    EXPECT_EQ(outcome(options, row, {}), row.expected) << row.what;
    for (size_t cut = 1; cut < row.bytes.size(); cut += 1 + row.bytes.size() / 500) {
      ASSERT_EQ(outcome(options, row, std::span(&cut, 1)), row.expected) << row.what << " @" << cut;
    }
    std::vector<size_t> all;
    for (size_t i = 1; i < row.bytes.size() && i < 4000; ++i) all.push_back(i);
    EXPECT_EQ(outcome(options, row, all), row.expected) << row.what << ", byte by byte";
  }
}

}  // namespace weir::codec
