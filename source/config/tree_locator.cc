#include "source/config/tree_locator.h"

#include <charconv>
#include <optional>
#include <string>

namespace weir::config {
namespace {

struct Step {
  enum class Kind : uint8_t { Field, Key, Index };
  Kind kind = Kind::Field;
  std::string name;
  size_t index = 0;
};

// Takes the next step off `path`; nullopt at its end or where it is malformed.
std::optional<Step> nextStep(std::string_view& path) {
  if (path.starts_with('.')) path.remove_prefix(1);
  if (path.empty()) return std::nullopt;
  Step step;
  if (path.starts_with("[\"")) {
    step.kind = Step::Kind::Key;
    size_t i = 2;
    for (; i < path.size() && path[i] != '"'; ++i) {
      if (path[i] == '\\' && i + 1 < path.size()) ++i;
      step.name += path[i];
    }
    path.remove_prefix(std::min(path.size(), i + 2));
    return step;
  }
  if (path.starts_with('[')) {
    step.kind = Step::Kind::Index;
    const size_t end = std::min(path.find(']'), path.size());
    const auto parsed = std::from_chars(path.data() + 1, path.data() + end, step.index);
    path.remove_prefix(std::min(end + 1, path.size()));
    return parsed.ec == std::errc{} ? std::optional(step) : std::nullopt;
  }
  const size_t end = std::min(path.find_first_of(".["), path.size());
  step.name = path.substr(0, end);
  path.remove_prefix(end);
  return step;
}

// snake_case and camelCase name the same field.
bool sameField(std::string_view a, std::string_view b) {
  size_t j = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == '_') continue;
    while (j < b.size() && b[j] == '_') ++j;
    if (j == b.size() || (a[i] | 0x20) != (b[j] | 0x20)) return false;
    ++j;
  }
  return j == b.size();
}

const Entry* findEntry(const Node& node, const Step& step) {
  for (const Entry& entry : node.entries) {
    if (step.kind == Step::Kind::Key ? entry.key == step.name : sameField(entry.key, step.name)) {
      return &entry;
    }
  }
  return nullptr;
}

struct Candidate {
  const Tree* tree;
  const Node* node;
};

// The entry for a field; what is not beside `@type` or in a wrapper stands below its "value".
const Entry* descend(const Node& node, const Step& step) {
  if (const Entry* entry = findEntry(node, step)) return entry;
  const Entry* value = findEntry(node, {Step::Kind::Key, "value", 0});
  return value != nullptr ? findEntry(*value->value, step) : nullptr;
}

std::vector<Candidate> item(const std::vector<Candidate>& from, size_t index) {
  for (const Candidate& candidate : from) {
    if (candidate.node->kind != Node::Kind::Sequence) {  // one value for a list of one
      if (index == 0) return {candidate};
      --index;
      continue;
    }
    const auto& items = candidate.node->items;
    if (index < items.size()) return {{candidate.tree, items[index]}};
    index -= items.size();
  }
  return {};
}

}  // namespace

Place TreeLocator::locate(std::string_view path) const {
  std::vector<Candidate> here;
  for (const auto& tree : trees_) here.push_back({tree.get(), &tree->root()});
  Place place{other_, 0, 0};
  if (here.empty()) return place;
  if (other_.empty()) place = here.front().tree->place(here.front().node->at);
  while (const auto step = nextStep(path)) {
    std::vector<Candidate> next;
    if (step->kind == Step::Kind::Index) {
      next = item(here, step->index);
      if (!next.empty()) place = next.back().tree->place(next.back().node->at);
    } else {
      for (const Candidate& candidate : here) {
        const Entry* entry = descend(*candidate.node, *step);
        if (entry == nullptr) continue;
        next.push_back({candidate.tree, entry->value});
        const bool scalar = entry->value->kind == Node::Kind::Scalar;
        place = candidate.tree->place(scalar ? entry->value->at : entry->at);
      }
    }
    if (next.empty()) break;
    here = std::move(next);
  }
  return place;
}

}  // namespace weir::config
