// The two ends of one exchange as the rest of Weir sees them, whatever the protocol underneath.
// A ServerStream is where a response is written; a ClientStream is where a request is written and
// its response comes from. Both belong to their connection, are used on one worker, and write
// views that must stay valid until the turn ends.
//
// Order of writes: head (body* (trailers | end))?; `end` is given exactly once.
//
// A tunnel: after a response that opensTunnel() both directions carry bytes that are no HTTP, and
// each ends by itself. Its request is ended before (HTTP/2: the stream stays open all the same),
// its head is sent with `end` false; from then on sendBody() of both streams carries the bytes, and
// its `end` is a half close. The server's side takes no byte behind the request before that head is
// written.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/head.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir::codec {

// RFC 9110 §7.8 and §9.3.6.
inline bool opensTunnel(const RequestHead& request, const ResponseHead& response) {
  if (response.status == 101) return request.upgrade;
  return request.method == Method::Connect && response.status / 100 == 2;
}

// Why a response breaks off.
enum class Abort : uint8_t {
  Broken,     // HTTP/2: INTERNAL_ERROR
  Cancelled,  // the origin gave it up; HTTP/2: CANCEL, which gRPC tells from a failure
};

// The detail of a Failure that means the latter.
inline constexpr std::string_view kCancelledByPeer = "http2.remote_cancel";

class ServerStream {
 public:
  virtual void sendInterim(const ResponseHead& head) = 0;  // 1xx, any number, before the head
  virtual void sendHead(ResponseHead& head, bool end) = 0;
  virtual void sendBody(std::string_view data, bool end) = 0;
  virtual void sendTrailers(const Fields& trailers) = 0;  // ends the response
  // Ends the stream without a proper end of the response: the client must notice.
  virtual void abort(Abort why) = 0;
  // Stops and restarts the arrival of the request's body.
  virtual void pauseRequest() = 0;
  virtual void resumeRequest() = 0;
  // True: the client is slow; the user waits for onDownstreamWritable().
  virtual bool congested() const = 0;
  // The connection will close after this response.
  virtual void closeAfterResponse() = 0;

 protected:
  ~ServerStream() = default;
};

// Who made the request; told until detach() or the end of the response or the failure. In a tunnel
// until both directions have ended.
class ClientStreamUser {
 public:
  virtual Arena& responseArena() = 0;
  virtual void onUpstreamInterim(ResponseHead& head) = 0;
  virtual void onUpstreamHead(ResponseHead& head, bool end) = 0;
  virtual void onUpstreamBody(std::string_view data, bool end) = 0;
  virtual void onUpstreamTrailers(Fields& trailers) = 0;
  virtual void onUpstreamFailure(const Failure& failure) = 0;
  virtual void onUpstreamWritable() = 0;

 protected:
  ~ClientStreamUser() = default;
};

class ClientStream {
 public:
  virtual void sendHead(const RequestHead& head, bool end) = 0;
  virtual void sendBody(std::string_view data, bool end) = 0;
  virtual void sendTrailers(const Fields& trailers) = 0;
  virtual void pauseResponse() = 0;
  virtual void resumeResponse() = 0;
  virtual bool congested() const = 0;
  // Of a tunnel: another one is told from now on, and `bytes` counts. From inside a callback, too.
  virtual void setUser(ClientStreamUser& user, ByteMeter& bytes) = 0;
  // The user is not told anything any more. An unfinished exchange costs the connection.
  virtual void detach() = 0;
  // True when this connection has served a request before: it may have died meanwhile.
  virtual bool reused() const = 0;

 protected:
  ~ClientStream() = default;
};

}  // namespace weir::codec
