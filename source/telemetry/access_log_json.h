// An AccessLogJson is a compiled json_format: an object whose texts may hold operators. A text that
// is exactly one operator gives a typed value (number, text, null); any other text gives a text.
// Keys are sorted, and each line is one object and a newline. Immutable, as AccessLogFormat.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/telemetry/access_log_format.h"

namespace weir::telemetry {

// A JSON value as configured, independent of where it was read from.
struct JsonTemplate {
  enum class Kind : uint8_t { Null, Bool, Number, Text, List, Object };

  Kind kind = Kind::Null;
  bool boolean = false;
  double number = 0;
  std::string text;
  std::vector<JsonTemplate> items;  // of a list, or the values of an object
  std::vector<std::string> keys;    // of an object: keys[i] names items[i]
};

class AccessLogJson {
 public:
  // `root` is an object. The error's field is the path to the bad text ("request.path").
  // `omit_empty_values`: members without a value are left out, and objects that become empty.
  static Result<AccessLogJson> compile(const JsonTemplate& root, bool omit_empty_values = false);

  void append(std::string& line, const StreamInfo& info) const;
  const std::vector<std::string>& unsupported() const { return unsupported_; }

 private:
  struct Node {
    enum class Kind : uint8_t { Fixed, Typed, Mixed, List, Object };
    Kind kind = Kind::Fixed;
    std::string key;                          // "\"name\":" when it is an object's member
    std::string fixed;                        // Fixed: its JSON
    std::shared_ptr<AccessLogFormat> format;  // Typed and Mixed
    std::vector<Node> children;
  };
  Result<Node> compileNode(const JsonTemplate& from, const std::string& path, int depth);
  Result<Node> compileText(const std::string& text, const std::string& path);
  bool appendNode(std::string& line, const Node& node, const StreamInfo& info) const;
  bool appendTyped(std::string& line, const Node& node, const StreamInfo& info) const;
  bool appendChildren(std::string& line, const Node& node, const StreamInfo& info) const;

  Node root_;
  std::vector<std::string> unsupported_;
  bool omit_empty_ = false;
};

}  // namespace weir::telemetry
