// A Tree is a configuration document as written: null, scalar, sequence and mapping nodes, each
// node and each key with its line and column. It knows nothing of protobuf.
//
// The tree owns its nodes; pointers to them live as long as it does. Aliases share one node, so the
// tree is as small as its text; how much the aliases would expand to is bounded when it is built.
// Immutable once parsed, so any thread may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/report.h"

namespace weir::config {

struct Position {
  uint32_t line = 0;    // from 1; 0: not from a text
  uint32_t column = 0;  // from 1, in bytes
};

struct Node;

struct Entry {
  std::string key;
  Position at;
  const Node* value = nullptr;
};

struct Node {
  enum class Kind : uint8_t { Null, Scalar, Sequence, Mapping };

  Kind kind = Kind::Null;
  bool quoted = false;  // a scalar that is text whatever it looks like
  Position at;
  std::string text;                // of a scalar
  std::vector<const Node*> items;  // of a sequence
  std::vector<Entry> entries;      // of a mapping, keys unique, in the order written
  size_t weight = 0;               // bytes this node stands for with every alias below it expanded
  uint32_t height = 0;             // levels of sequences and mappings, this one included
};

struct TextLimits {
  size_t bytes = 10'000'000 - 1;          // a file of 10 MB is refused
  uint32_t depth = 100;                   // of sequences and mappings inside one another
  size_t alias_bytes = 32 * 1024 * 1024;  // what all aliases and merges together may stand for
};

class Tree {
 public:
  explicit Tree(std::string source) : source_(std::move(source)) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  const std::string& source() const { return source_; }
  const Node& root() const { return *root_; }
  Place place(Position at) const { return {source_, at.line, at.column}; }

  // For those who build a tree.
  Node& add(Node::Kind kind, Position at) {
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    node.at = at;
    return node;
  }
  void setRoot(const Node& node) { root_ = &node; }

 private:
  std::string source_;  // the name problems are reported under
  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

// Both return null after reporting why the text was refused. `source` names it in problems.
// YAML 1.1 as Envoy reads it, one document; anchors, aliases and merge keys work.
std::shared_ptr<const Tree> parseYaml(std::string source, std::string_view text, Report& report,
                                      const TextLimits& limits = {});
// Strict RFC 8259: no comments, no trailing commas; duplicate keys are refused.
std::shared_ptr<const Tree> parseJson(std::string source, std::string_view text, Report& report,
                                      const TextLimits& limits = {});

}  // namespace weir::config
