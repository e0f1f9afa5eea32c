#include "source/telemetry/access_log_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "source/telemetry/json_text.h"
#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

constexpr int kMaxDepth = 32;

std::string numberText(double value) {
  if (!std::isfinite(value)) return "null";
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

}  // namespace

Result<AccessLogJson> AccessLogJson::compile(const JsonTemplate& root, bool omit_empty_values) {
  AccessLogJson made;
  made.omit_empty_ = omit_empty_values;
  if (root.kind != JsonTemplate::Kind::Object) return Error{"", "a JSON format is an object"};
  auto node = made.compileNode(root, "", 0);
  if (!node) return node.error();
  made.root_ = *std::move(node);
  return made;
}

Result<AccessLogJson::Node> AccessLogJson::compileText(const std::string& text,
                                                       const std::string& path) {
  auto format = AccessLogFormat::compile(text, omit_empty_);
  if (!format) return Error{path, format.error().text};
  Node node;
  for (const std::string& name : format->unsupported()) unsupported_.push_back(name);
  if (format->isLiteral()) {
    std::string plain;
    format->append(plain, StreamInfo{});
    appendJsonString(node.fixed, plain);
    return node;
  }
  node.kind = format->single() != nullptr ? Node::Kind::Typed : Node::Kind::Mixed;
  node.format = std::make_shared<AccessLogFormat>(*std::move(format));
  return node;
}

Result<AccessLogJson::Node> AccessLogJson::compileNode(const JsonTemplate& from,
                                                       const std::string& path, int depth) {
  if (depth > kMaxDepth) return Error{path, "nested deeper than " + std::to_string(kMaxDepth)};
  Node node;
  switch (from.kind) {
    case JsonTemplate::Kind::Null:
      node.fixed = "null";
      return node;
    case JsonTemplate::Kind::Bool:
      node.fixed = from.boolean ? "true" : "false";
      return node;
    case JsonTemplate::Kind::Number:
      node.fixed = numberText(from.number);
      return node;
    case JsonTemplate::Kind::Text:
      return compileText(from.text, path);
    case JsonTemplate::Kind::List:
      node.kind = Node::Kind::List;
      for (size_t i = 0; i < from.items.size(); ++i) {
        auto child = compileNode(from.items[i], path + "[" + std::to_string(i) + "]", depth + 1);
        if (!child) return child.error();
        node.children.push_back(*std::move(child));
      }
      return node;
    case JsonTemplate::Kind::Object:
      break;
  }
  node.kind = Node::Kind::Object;
  for (size_t i = 0; i < from.keys.size(); ++i) {
    const std::string& name = from.keys[i];
    auto child = compileNode(from.items[i], path.empty() ? name : path + "." + name, depth + 1);
    if (!child) return child.error();
    appendJsonString(child->key, name);
    child->key.push_back(':');
    node.children.push_back(*std::move(child));
  }
  std::sort(node.children.begin(), node.children.end(),
            [](const Node& a, const Node& b) { return a.key < b.key; });
  return node;
}

bool AccessLogJson::appendTyped(std::string& line, const Node& node, const StreamInfo& info) const {
  static thread_local std::string t_scratch;
  const LogValue value = node.format->single()->value(info, t_scratch);
  switch (value.kind) {
    case LogValue::Kind::Text:
      appendJsonString(line, value.text);
      return true;
    case LogValue::Kind::Json:
      line.append(value.text);
      return true;
    case LogValue::Kind::Number:
      appendNumber(line, value.number);
      return true;
    case LogValue::Kind::None:
      break;
  }
  if (!omit_empty_) line.append("null");
  return !omit_empty_;
}

// False, with nothing but the brackets' places taken back, when every child was left out.
bool AccessLogJson::appendChildren(std::string& line, const Node& node,
                                   const StreamInfo& info) const {
  const bool is_object = node.kind == Node::Kind::Object;
  bool any = false;
  line.push_back(is_object ? '{' : '[');
  for (const Node& child : node.children) {
    const size_t before = line.size();
    if (any) line.push_back(',');
    line.append(child.key);
    if (appendNode(line, child, info)) {
      any = true;
    } else {
      line.resize(before);
    }
  }
  line.push_back(is_object ? '}' : ']');
  return any || !omit_empty_ || node.children.empty();
}

bool AccessLogJson::appendNode(std::string& line, const Node& node, const StreamInfo& info) const {
  static thread_local std::string t_text;
  switch (node.kind) {
    case Node::Kind::Fixed:
      line.append(node.fixed);
      return true;
    case Node::Kind::Typed:
      return appendTyped(line, node, info);
    case Node::Kind::Mixed:
      t_text.clear();
      node.format->append(t_text, info);
      appendJsonString(line, t_text);
      return true;
    case Node::Kind::List:
    case Node::Kind::Object:
      return appendChildren(line, node, info);
  }
  return false;
}

void AccessLogJson::append(std::string& line, const StreamInfo& info) const {
  const size_t before = line.size();
  if (!appendNode(line, root_, info)) {
    line.resize(before);
    line.append("{}");
  }
  line.push_back('\n');
}

}  // namespace weir::telemetry
