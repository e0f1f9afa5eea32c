// A MessageStream carries protobuf messages to a service and back, whatever it runs on. One thread.
//
//   start, send*, finish?; until onStreamEnd() or its destruction
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "source/net/loop.h"

namespace weir::rpc {

class MessageStreamUser {
 public:
  virtual void onMessage(std::string_view bytes) = 0;
  // By whomever, with or without an error. The stream may be destroyed.
  virtual void onStreamEnd(std::string_view why) = 0;
  // It was congested(), and is no longer.
  virtual void onStreamWritable() {}

 protected:
  ~MessageStreamUser() = default;
};

class MessageStream {
 public:
  virtual ~MessageStream() = default;
  // May call onStreamEnd() before it returns.
  virtual void start() = 0;
  virtual void send(const google::protobuf::Message& message) = 0;
  // What was sent has not left, and more would wait with it.
  virtual bool congested() const = 0;
  // There is nothing more to send; the other side ends the stream when it has read all.
  virtual void finish() = 0;
};

// At the end of the turn: the stream may be the one that calls.
inline void destroyLater(net::Loop& loop, std::unique_ptr<MessageStream> stream) {
  struct Ended final : net::Deferred {
    std::unique_ptr<MessageStream> stream;
  };
  auto* ended = new Ended;
  ended->stream = std::move(stream);
  loop.destroyLater(ended);
}

// `method`: "/package.Service/Method".
using MakeStream =
    std::function<std::unique_ptr<MessageStream>(std::string_view method, MessageStreamUser& user)>;

}  // namespace weir::rpc
