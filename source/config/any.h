// Opens an Any: the message inside, whether it travels as its own bytes or as a TypedStruct (the
// JSON form of another type, xds.type.v3.TypedStruct or udpa.type.v1.TypedStruct). Any thread.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "source/config/proto_reader.h"
#include "weir/report.h"

namespace weir::config {

// What follows the last slash: the only part of a type URL that counts.
std::string_view typeNameOf(std::string_view type_url);
bool isTypedStruct(std::string_view type_name);

// A new message of the named type, from the descriptor pool that `beside` comes from or else from
// the linked-in one. Null if neither knows the type.
std::unique_ptr<google::protobuf::Message> makeMessage(const google::protobuf::Message& beside,
                                                       const std::string& name);

// The full name of the message inside; of a TypedStruct, the one its type_url names. Empty if the
// Any is empty or its TypedStruct is malformed.
std::string anyTypeName(const google::protobuf::Any& any);

// Fills `out`, whose type must be anyTypeName(). Otherwise, and if the contents do not fit the
// type, reports at `at` and answers false.
bool unpackAny(const google::protobuf::Any& any, google::protobuf::Message& out, const Where& at,
               ReadOptions options = {});

}  // namespace weir::config
