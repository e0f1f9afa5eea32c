// What holds for an HTTP/2 session whatever its peer sends: the order of what the user is told,
// that what was accepted is HTTP, that windows are never overdrawn, and that what we write is
// frames.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "source/codec/http1/authority.h"
#include "source/codec/http2/client_session.h"
#include "source/codec/http2/server_session.h"
#include "test/fuzz/head_invariants.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {

using codec::Http2Error;
using codec::Http2Session;
using codec::Http2Stream;

struct FuzzStream final : Http2Stream {
  explicit FuzzStream(ChunkPool& pool) : arena(pool), request(arena) {}

  Arena arena;
  RequestHead request;
  bool head_told = false;
  bool end_told = false;
  bool over = false;      // closed or reset: nothing may follow
  uint64_t received = 0;  // of the body
  uint64_t consumed = 0;
};

// Fields that may be written as HTTP/1 without meaning anything else. A response may have a `host`,
// which means nothing there.
inline void requireForwardable(const Fields& fields) {
  requireSaneFields(fields);
  for (HeaderId id : {HeaderId::Connection, HeaderId::KeepAlive, HeaderId::ProxyConnection,
                      HeaderId::TransferEncoding}) {
    require(!fields.has(id), "nothing of a connection among the fields");
  }
}

template <typename User>
class FuzzUser : public User {
 public:
  Arena& arenaOf(Http2Stream& stream) override { return of(stream).arena; }
  void onOutput() override {
    require(output_told < 2, "output is told once, and once more with views");
    ++output_told;
  }
  void onBody(Http2Stream& stream, std::string_view data, bool end) override {
    FuzzStream& mine = told(stream, end);
    require(mine.head_told, "no body before a head");
    mine.received += data.size();
    for (char c : data) sum += static_cast<uint8_t>(c);  // every byte can be read
  }
  void onTrailers(Http2Stream& stream, Fields& trailers) override {
    require(told(stream, true).head_told, "no trailers before a head");
    requireForwardable(trailers);
    require(!trailers.has(HeaderId::ContentLength), "no framing in trailers");
    require(!trailers.has(HeaderId::Host), "no routing in trailers");
  }
  void onWritable(Http2Stream& stream) override {
    require(stream.isOpen() && stream.unsent() == 0, "all that waited is gone");
  }
  void onClosed(Http2Stream& stream) override {
    require(stream.localEnded(), "closed: we ended");
    leave(stream);
  }
  void onReset(Http2Stream& stream, const Http2Error& error) override {
    require(!error.reason.empty(), "a reset has a reason");
    leave(stream);
  }
  void onGoaway(uint32_t, codec::Http2Code) override {}
  void onPingAck(uint64_t) override {}
  void onConnectionError(const Http2Error& error) override {
    require(!failed, "a connection fails once");
    require(error.code != codec::Http2Code::NoError, "a failure has a code");
    failed = true;
  }

  static FuzzStream& of(Http2Stream& stream) { return static_cast<FuzzStream&>(stream); }
  FuzzStream& told(Http2Stream& stream, bool end) {
    FuzzStream& mine = of(stream);
    require(!mine.over && stream.isOpen(), "only open streams are told of");
    require(!mine.end_told, "nothing follows the end");
    mine.end_told = end;
    return mine;
  }
  void leave(Http2Stream& stream) {
    require(!stream.isOpen(), "what is over is not open");
    require(!of(stream).over, "a stream is over once");
    of(stream).over = true;
  }

  ChunkPool pool;
  std::deque<FuzzStream> streams;
  int output_told = 0;
  bool failed = false;
  uint64_t sum = 0;
};

// Takes what a session wrote and reads it as frames; a client's preface has been taken before.
template <typename User>
void takeOutput(User& user, Http2Session& session, std::string& written) {
  require(session.output().empty() || user.output_told, "output is announced");
  session.output().forEachPiece([&](std::string_view piece) { written += piece; });
  session.clearOutput();
  user.output_told = 0;
  std::string_view rest = written;
  while (rest.size() >= codec::kFrameHeaderSize) {
    const codec::FrameHeader header = codec::readFrameHeader(rest.data());
    require(header.length <= codec::kMaxFrameSize, "frames are no longer than any peer takes");
    require(header.type <= static_cast<uint8_t>(codec::FrameType::Continuation), "known frames");
    require(rest.size() >= codec::kFrameHeaderSize + header.length, "whole frames");
    rest.remove_prefix(codec::kFrameHeaderSize + header.length);
  }
  require(rest.empty(), "nothing between frames");
  written.clear();
}

}  // namespace weir::fuzz
