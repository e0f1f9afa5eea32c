// A MessageStream carries protobuf messages to a control plane and back, whatever it runs on. Main
// thread.
//
//   start, send*; until onStreamEnd() or its destruction
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string_view>

namespace weir::xds {

class MessageStreamUser {
 public:
  virtual void onMessage(std::string_view bytes) = 0;
  // By whomever, with or without an error. The stream may be destroyed.
  virtual void onStreamEnd(std::string_view why) = 0;

 protected:
  ~MessageStreamUser() = default;
};

class MessageStream {
 public:
  virtual ~MessageStream() = default;
  // May call onStreamEnd() before it returns.
  virtual void start() = 0;
  virtual void send(const google::protobuf::Message& message) = 0;
};

// `method`: "/package.Service/Method".
using MakeStream =
    std::function<std::unique_ptr<MessageStream>(std::string_view method, MessageStreamUser& user)>;

}  // namespace weir::xds
