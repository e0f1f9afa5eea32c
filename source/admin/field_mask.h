// A FieldMask keeps of a message what its paths name ("cluster.name,last_updated") and drops the
// rest. Paths go through messages, through every element of a repeated field, and into an Any.
#pragma once

#include <google/protobuf/message.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::admin {

class FieldMask {
 public:
  // An empty text keeps everything.
  explicit FieldMask(std::string_view comma_separated);

  bool empty() const { return paths_.empty(); }
  // Whether the message has the field that at least one path begins with.
  bool fits(const google::protobuf::Message& message) const;
  void trim(google::protobuf::Message& message) const;

 private:
  using Path = std::vector<std::string>;
  static void trim(google::protobuf::Message& message, std::span<const Path> paths);

  std::vector<Path> paths_;
};

}  // namespace weir::admin
