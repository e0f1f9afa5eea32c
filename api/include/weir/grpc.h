// gRPC over HTTP/2 in HTTP's words: who speaks it, which method a call is for, how long it may
// take, with what status it ended, where its messages begin. The one place that knows this, for all
// layers and filters. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. Pure; views
// that are returned live as long as what they were made from, or the arena.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/arena.h"
#include "weir/fields.h"
#include "weir/stream_info.h"

namespace weir::grpc {

// The codes that mean something to Weir itself. A response may carry any number.
inline constexpr uint32_t kOk = 0;
inline constexpr uint32_t kCancelled = 1;
inline constexpr uint32_t kUnknown = 2;
inline constexpr uint32_t kDeadlineExceeded = 4;
inline constexpr uint32_t kResourceExhausted = 8;
inline constexpr uint32_t kInternal = 13;
inline constexpr uint32_t kUnavailable = 14;

// content-type is "application/grpc" or "application/grpc+…". Not "application/grpc-web", which is
// another protocol.
bool isGrpc(const Fields& fields);

// grpc-status as it stands there; kUnknown when it is no number, nothing when there is none.
std::optional<uint32_t> statusIn(const Fields& fields);
// What a finished request ended with: the trailers', or the head's (a trailers-only response), or
// what the HTTP status stands for.
uint32_t statusOf(const StreamInfo& info);
// gRPC's "HTTP to gRPC Status Code Mapping". A 200 without grpc-status is kUnknown, too.
uint32_t statusOfHttp(uint16_t http_status);
// The HTTP status that says the same (google.rpc.Code), 500 for numbers without a name.
uint16_t httpStatusOf(uint32_t status);
// "InvalidArgument" and "INVALID_ARGUMENT"; empty for numbers without a name.
std::string_view camelName(uint32_t status);
std::string_view constantName(uint32_t status);

// For grpc-message: printable ASCII stays, but for '%'; every other byte is escaped.
std::string_view encodeMessage(std::string_view text, Arena& arena);

// The longest deadline that is told apart from longer ones: more than three years.
inline constexpr std::chrono::milliseconds kLongest = std::chrono::seconds(99'999'999);
// grpc-timeout: one to eight digits and a unit of H M S m u n, rounded up to milliseconds. Nothing
// when there is none, or none that can be read.
std::optional<std::chrono::milliseconds> timeoutIn(const Fields& fields);
// Sets grpc-timeout, unless what stands there is shorter: nobody's deadline becomes a later one. In
// the finest unit that eight digits can say; at most kLongest.
void limitTimeout(Fields& fields, std::chrono::milliseconds timeout);

struct Method {
  std::string_view service;  // "helloworld.Greeter"
  std::string_view name;     // "SayHello"
};
// Of the path "/helloworld.Greeter/SayHello", with or without a query; nothing for other forms.
std::optional<Method> methodOf(std::string_view path);

// A Messages follows a body in pieces of any size: each message is a flag, a length of four bytes
// and as many bytes.
//   while (!data.empty()) { size_t size = messages.take(data); …; data.remove_prefix(size); }
class Messages {
 public:
  static constexpr size_t kPrefix = 5;

  // How many bytes at the beginning of `data`, which is not empty, belong to one message.
  size_t take(std::string_view data);
  // A message has just ended, or none has begun.
  bool atBoundary() const { return seen_ == 0; }
  // Messages of which at least a byte has come.
  uint64_t begun() const { return begun_; }

 private:
  uint32_t size_ = 0;  // of the message, when its prefix is complete
  uint64_t seen_ = 0;  // bytes of the message, prefix included
  uint64_t begun_ = 0;
};

}  // namespace weir::grpc
