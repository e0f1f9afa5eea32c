// Users of sessions that write down what they are told, as lines of text to compare, and own the
// streams. Used by tests, the benchmark and fuzz targets only.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/codec/http2/client_session.h"
#include "source/codec/http2/server_session.h"

namespace weir::codec {

inline std::string describe(const Fields& fields) {
  std::string out;
  for (const Field& field : fields) {
    out += " " + std::string(field.name()) + "=" + std::string(field.value());
  }
  return out;
}

struct RecordedStream final : Http2Stream {
  explicit RecordedStream(ChunkPool& pool) : arena(pool), request(arena) {}

  Arena arena;
  RequestHead request;
  std::string body;
  bool ended = false;
};

// What both roles are told. Lines are "what STREAM …".
template <typename User>
class Recorder : public User {
 public:
  // Takes what the session wrote.
  std::string take(Http2Session& session) {
    std::string bytes;
    session.output().forEachPiece([&bytes](std::string_view piece) { bytes += piece; });
    session.clearOutput();
    session.onSent(0);
    output_wanted = false;
    return bytes;
  }
  // All lines since the last time, with "; " between them.
  std::string log() { return std::exchange(log_, {}); }
  RecordedStream& at(size_t index) { return streams[index]; }
  RecordedStream& newStream() { return streams.emplace_back(pool); }

  void onOutput() override { output_wanted = true; }
  Arena& arenaOf(Http2Stream& stream) override {
    return static_cast<RecordedStream&>(stream).arena;
  }
  void onBody(Http2Stream& stream, std::string_view data, bool end) override {
    auto& mine = static_cast<RecordedStream&>(stream);
    mine.body += data;
    mine.ended = end;
    if (quiet_bodies) return;
    note("body", stream,
         data.size() > 16 ? std::to_string(data.size()) : "'" + std::string(data) + "'", end);
  }
  void onTrailers(Http2Stream& stream, Fields& trailers) override {
    static_cast<RecordedStream&>(stream).ended = true;
    note("trailers", stream, describe(trailers), false);
  }
  void onWritable(Http2Stream& stream) override { note("writable", stream, "", false); }
  void onClosed(Http2Stream& stream) override { note("closed", stream, "", false); }
  void onReset(Http2Stream& stream, const Http2Error& error) override {
    note("reset", stream, std::string(error.reason) + (error.unprocessed ? " unprocessed" : ""),
         false);
  }
  void onGoaway(uint32_t last, Http2Code code) override {
    add("goaway " + std::to_string(last) + " " + std::to_string(static_cast<int>(code)));
  }
  void onPingAck(uint64_t opaque) override { add("pong " + std::to_string(opaque)); }
  void onConnectionError(const Http2Error& error) override {
    add("failed " + std::string(error.reason));
  }

  ChunkPool pool;
  std::deque<RecordedStream> streams;
  bool output_wanted = false;
  bool quiet_bodies = false;

 protected:
  void note(std::string_view what, Http2Stream& stream, const std::string& text, bool end) {
    std::string line = std::string(what) + " " + std::to_string(stream.id());
    if (!text.empty()) line += (text[0] == ' ' ? "" : " ") + text;
    add(line + (end ? " end" : ""));
  }
  void add(const std::string& line) { log_ += (log_.empty() ? "" : "; ") + line; }

 private:
  std::string log_;
};

class ServerRecorder final : public Recorder<Http2ServerUser> {
 public:
  Place onRequestBegin() override {
    RecordedStream& stream = newStream();
    return {stream, stream.request};
  }
  void onRequest(Http2Stream& stream, bool end) override {
    const RequestHead& head = static_cast<RecordedStream&>(stream).request;
    note("request", stream,
         std::string(head.method_name) + " " + std::string(head.path) + " " +
             std::string(head.authority) + describe(head.fields),
         end);
  }
  void onRequestRejected(Http2Stream& stream, const Http2Error& error) override {
    note("rejected", stream, std::to_string(error.status) + " " + std::string(error.reason), false);
  }
};

class ClientRecorder final : public Recorder<Http2ClientUser> {
 public:
  void onInterim(Http2Stream& stream, ResponseHead& head) override {
    note("interim", stream, std::to_string(head.status) + describe(head.fields), false);
  }
  void onResponse(Http2Stream& stream, ResponseHead& head, bool end) override {
    note("response", stream, std::to_string(head.status) + describe(head.fields), end);
  }
  void onPeerSettings() override {}
};

}  // namespace weir::codec
