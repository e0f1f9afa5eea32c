// Who uses a session and is told what happens on it. Every call comes from inside receive() or from
// inside the user's own call, and may call the session again: write, pause, consume, reset.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/codec/http2/fault.h"
#include "source/codec/http2/stream.h"
#include "weir/head.h"

namespace weir::codec {

class Http2SessionUser {
 public:
  // The first bytes since clearOutput() were written; once more when the first view joins them,
  // which is good until the turn's end.
  virtual void onOutput() = 0;
  // Where the fields of what comes on this stream are kept: lives as long as the stream is open.
  virtual Arena& arenaOf(Http2Stream& stream) = 0;

  // `data` lives as long as receive()'s input. Its bytes are the stream's window: consume() gives
  // them back. `end` comes once, here or with trailers or with the head.
  virtual void onBody(Http2Stream& stream, std::string_view data, bool end) = 0;
  virtual void onTrailers(Http2Stream& stream, Fields& trailers) = 0;
  // All that was written has left for the output, after congested() was true.
  virtual void onWritable(Http2Stream& stream) = 0;

  // The stream is no longer open, and nothing more is told of it:
  // both sides ended;
  virtual void onClosed(Http2Stream& stream) = 0;
  // or the peer reset it, or broke a rule, or the connection failed. Not for the user's own
  // reset().
  virtual void onReset(Http2Stream& stream, const Http2Error& error) = 0;

  // The peer opens or takes no more streams than up to `last_stream`.
  virtual void onGoaway(uint32_t last_stream, Http2Code code) = 0;
  virtual void onPingAck(uint64_t opaque) = 0;
  // The connection is lost by the peer's fault. Every open stream got onReset(); a GOAWAY waits in
  // the output: send it and close.
  virtual void onConnectionError(const Http2Error& error) = 0;

 protected:
  ~Http2SessionUser() = default;
};

// What a server needs to know about its requests.
class Http2ServerUser : public Http2SessionUser {
 public:
  struct Place {
    Http2Stream& stream;
    RequestHead& head;
  };
  // A request is about to be decoded: a new stream object, and where its head goes.
  virtual Place onRequestBegin() = 0;
  // The head of that place is complete.
  virtual void onRequest(Http2Stream& stream, bool end) = 0;
  // The head is unusable and unspecified. If the stream is open, it has to be answered with
  // error.status, or reset; else it has been, or the connection will. What still comes is dropped.
  virtual void onRequestRejected(Http2Stream& stream, const Http2Error& error) = 0;

 protected:
  ~Http2ServerUser() = default;
};

// What a client needs to know about its responses. Heads are made in arenaOf().
class Http2ClientUser : public Http2SessionUser {
 public:
  // 1xx, any number.
  virtual void onInterim(Http2Stream& stream, ResponseHead& head) = 0;
  virtual void onResponse(Http2Stream& stream, ResponseHead& head, bool end) = 0;
  // The first SETTINGS, or later ones: canOpen() may have changed.
  virtual void onPeerSettings() = 0;

 protected:
  ~Http2ClientUser() = default;
};

}  // namespace weir::codec
