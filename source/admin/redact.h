// redact() hides what is secret in a message that is about to be shown: private keys, passwords,
// tokens, credentials, wherever they are, inside of Any and TypedStruct, too. Names of files and of
// environment variables that hold secrets stay. What is hidden reads "[redacted]".
//
// An Any whose type is not linked in cannot be looked into, and is replaced by a text that says so:
// a message that was redacted can always be printed. The rules are tables in redact.cc. Any thread;
// O(size).
#pragma once

#include <google/protobuf/message.h>

#include <string_view>

namespace weir::admin {

inline constexpr std::string_view kRedacted = "[redacted]";

void redact(google::protobuf::Message& message);

}  // namespace weir::admin
