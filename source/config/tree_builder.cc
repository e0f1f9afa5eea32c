#include "source/config/tree_builder.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace weir::config {
namespace {

// What a node costs besides its text; small nodes are what an alias bomb is made of.
constexpr size_t kNodeWeight = 64;

}  // namespace

bool TreeBuilder::null(Position at, Anchor anchor) {
  if (expectsKey()) return refuse(at, "a key must be text, found nothing");
  Node& node = tree_.add(Node::Kind::Null, at);
  node.weight = kNodeWeight;
  if (anchor != 0) anchors_[anchor] = &node;
  return attach(node);
}

bool TreeBuilder::scalar(Position at, std::string text, bool quoted, Anchor anchor) {
  if (expectsKey() && anchor == 0) return takeKey(at, text, quoted);
  Node& node = tree_.add(Node::Kind::Scalar, at);
  node.text = std::move(text);
  node.quoted = quoted;
  node.weight = kNodeWeight + node.text.size();
  if (anchor != 0) anchors_[anchor] = &node;
  if (expectsKey()) return takeKey(at, node.text, quoted);
  return attach(node);
}

bool TreeBuilder::alias(Position at, Anchor anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) return refuse(at, "an alias to an anchor that is not defined");
  if (found->second == nullptr) return refuse(at, "an alias inside its own anchor");
  const Node& node = *found->second;
  if (!spend(at, node.weight)) return false;
  if (open_.size() + node.height > limits_.depth) return refuseDepth(at);
  if (!expectsKey()) return attach(node);
  if (node.kind != Node::Kind::Scalar) return refuse(at, "a key must be text, found an alias");
  return takeKey(at, node.text, node.quoted);
}

bool TreeBuilder::startSequence(Position at, Anchor anchor) {
  return start(Node::Kind::Sequence, at, anchor);
}

bool TreeBuilder::startMapping(Position at, Anchor anchor) {
  return start(Node::Kind::Mapping, at, anchor);
}

bool TreeBuilder::endMapping() {
  Frame& frame = open_.back();
  dropDuplicates(frame);
  return applyMerges(frame) && endContainer();
}

bool TreeBuilder::refuse(Position at, std::string text) {
  damaged_ = true;
  report_.add(Severity::Error, tree_.place(at), path(), std::move(text));
  return false;
}

bool TreeBuilder::refuseDepth(Position at) {
  return refuse(at, "nested more than " + std::to_string(limits_.depth) + " levels deep");
}

bool TreeBuilder::expectsKey() const {
  return !open_.empty() && open_.back().node->kind == Node::Kind::Mapping && !open_.back().has_key;
}

bool TreeBuilder::takeKey(Position at, const std::string& text, bool quoted) {
  Frame& frame = open_.back();
  frame.pending = {text, at, nullptr};
  frame.has_key = true;
  frame.key_is_merge = !quoted && text == "<<";
  return true;
}

bool TreeBuilder::start(Node::Kind kind, Position at, Anchor anchor) {
  if (expectsKey()) return refuse(at, "a key must be text, found a list or mapping");
  if (open_.size() >= limits_.depth) return refuseDepth(at);
  Node& node = tree_.add(kind, at);
  if (anchor != 0) anchors_[anchor] = nullptr;
  open_.push_back({&node, anchor, {}, false, false, {}});
  return true;
}

bool TreeBuilder::endContainer() {
  const Frame frame = std::move(open_.back());
  open_.pop_back();
  Node& node = *frame.node;
  node.weight = kNodeWeight;
  const auto count = [&node](const Node& child) {
    node.weight += child.weight;
    node.height = std::max(node.height, child.height);
  };
  for (const Node* item : node.items) count(*item);
  for (const Entry& entry : node.entries) {
    node.weight += entry.key.size();
    count(*entry.value);
  }
  ++node.height;
  if (frame.anchor != 0) anchors_[frame.anchor] = &node;
  return attach(node);
}

bool TreeBuilder::attach(const Node& node) {
  if (open_.empty()) {
    tree_.setRoot(node);
    return true;
  }
  Frame& frame = open_.back();
  if (frame.node->kind == Node::Kind::Sequence) {
    frame.node->items.push_back(&node);
    return true;
  }
  frame.pending.value = &node;
  auto& entries = frame.key_is_merge ? frame.merges : frame.node->entries;
  entries.push_back(std::move(frame.pending));
  frame.has_key = false;
  return true;
}

// Keeps the first of each key and goes on: one report names every duplicate.
void TreeBuilder::dropDuplicates(Frame& frame) {
  std::vector<Entry>& entries = frame.node->entries;
  std::unordered_map<std::string_view, uint32_t> lines;
  std::vector<size_t> again;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto [first, fresh] = lines.try_emplace(entries[i].key, entries[i].at.line);
    if (fresh) continue;
    again.push_back(i);
    refuse(entries[i].at, "duplicate key '" + entries[i].key + "', first on line " +
                              std::to_string(first->second));
  }
  for (size_t i = again.size(); i-- > 0;) {
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(again[i]));
    if (again.size() > Report::kMaxKept) break;  // refused anyway; erasing many would be quadratic
  }
}

// YAML 1.1 merge keys: what the mapping says itself wins, then the earlier of the merged ones.
bool TreeBuilder::applyMerges(Frame& frame) {
  for (const Entry& merge : frame.merges) {
    const Node& value = *merge.value;
    if (value.kind == Node::Kind::Mapping) {
      if (!mergeFrom(frame, merge, value)) return false;
      continue;
    }
    if (value.kind != Node::Kind::Sequence) {
      return refuse(merge.at, "'<<' merges a mapping or a list of mappings");
    }
    for (const Node* item : value.items) {
      if (item->kind != Node::Kind::Mapping) {
        return refuse(merge.at, "'<<' merges a mapping or a list of mappings");
      }
      if (!mergeFrom(frame, merge, *item)) return false;
    }
  }
  return true;
}

bool TreeBuilder::mergeFrom(Frame& frame, const Entry& merge, const Node& source) {
  std::vector<Entry>& entries = frame.node->entries;
  if (!spend(merge.at, kNodeWeight * (source.entries.size() + entries.size()))) return false;
  std::unordered_set<std::string> own;
  for (const Entry& entry : entries) own.insert(entry.key);
  for (const Entry& entry : source.entries) {
    if (own.contains(entry.key)) continue;
    if (!spend(merge.at, entry.key.size() + entry.value->weight)) return false;
    if (open_.size() + entry.value->height > limits_.depth) return refuseDepth(merge.at);
    entries.push_back(entry);
  }
  return true;
}

bool TreeBuilder::spend(Position at, size_t weight) {
  alias_bytes_ += weight;
  if (alias_bytes_ <= limits_.alias_bytes) return true;
  return refuse(at, "aliases stand for more than " + std::to_string(limits_.alias_bytes >> 20) +
                        " MB when expanded");
}

std::string TreeBuilder::path() const {
  std::string out;
  for (const Frame& frame : open_) {
    if (frame.node->kind == Node::Kind::Sequence) {
      out += '[' + std::to_string(frame.node->items.size()) + ']';
    } else if (frame.has_key) {
      if (!out.empty()) out += '.';
      out += frame.pending.key;
    }
  }
  return out;
}

}  // namespace weir::config
