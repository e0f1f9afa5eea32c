// A TreeBuilder turns the events of a YAML or JSON reader into a Tree and refuses what no
// configuration needs: keys twice, endless nesting, aliases that contain themselves or explode.
//
// The sequence of calls is what both readers emit: one value, where
//   value := null | scalar | alias | startSequence value* endSequence
//          | startMapping (value value)* endMapping
// A false answer means the document was refused (the reason is in the report): stop reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {

class TreeBuilder {
 public:
  using Anchor = size_t;  // 0: none

  TreeBuilder(Tree& tree, const TextLimits& limits, Report& report)
      : tree_(tree), limits_(limits), report_(report) {}

  bool null(Position at, Anchor anchor = 0);
  bool scalar(Position at, std::string text, bool quoted, Anchor anchor = 0);
  bool alias(Position at, Anchor anchor);
  bool startSequence(Position at, Anchor anchor = 0);
  bool startMapping(Position at, Anchor anchor = 0);
  bool endSequence() { return endContainer(); }
  bool endMapping();

  // Reports and answers false.
  bool refuse(Position at, std::string text);
  // True once problems were found that did not stop the reading (duplicate keys).
  bool damaged() const { return damaged_; }

 private:
  struct Frame {
    Node* node;
    Anchor anchor;
    Entry pending;  // the key whose value comes next
    bool has_key = false;
    bool key_is_merge = false;
    std::vector<Entry> merges;  // "<<" entries, applied when the mapping ends
  };

  bool refuseDepth(Position at);
  bool expectsKey() const;
  bool takeKey(Position at, const std::string& text, bool quoted);
  bool start(Node::Kind kind, Position at, Anchor anchor);
  bool endContainer();
  bool attach(const Node& node);
  void dropDuplicates(Frame& frame);
  bool applyMerges(Frame& frame);
  bool mergeFrom(Frame& frame, const Entry& merge, const Node& source);
  bool spend(Position at, size_t weight);
  std::string path() const;

  Tree& tree_;
  const TextLimits limits_;
  Report& report_;
  std::vector<Frame> open_;
  std::unordered_map<Anchor, const Node*> anchors_;  // null while the node is being read
  size_t alias_bytes_ = 0;
  bool damaged_ = false;
};

}  // namespace weir::config
