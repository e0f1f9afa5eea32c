// A Chain is the filters of one route, compiled: which filter takes part in which phase, in which
// order, with which plan. Built when the configuration is loaded; immutable, shared by all workers.
// Positions count in the direction of travel: the first configured filter is position 0 of the
// request and the last of the response.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::stream {

enum class Direction : uint8_t { Request, Response };
enum class Phase : uint8_t { Head, Body, Trailers };

struct ChainSlot {
  const FilterType* type = nullptr;
  PlanPtr plan;
  std::string name;  // the filter's configured name
};

class Chain {
 public:
  explicit Chain(std::vector<ChainSlot> slots);

  size_t size() const { return slots_.size(); }
  const ChainSlot& slot(size_t i) const { return slots_[i]; }
  // Positions with something to do in that phase, ascending.
  const std::vector<uint8_t>& order(Direction direction, Phase phase) const {
    return order_[static_cast<size_t>(direction)][static_cast<size_t>(phase)];
  }
  BodyNeed need(Direction direction, size_t position) const {
    return needs_[static_cast<size_t>(direction)][position];
  }
  size_t slotAt(Direction direction, size_t position) const {
    return direction == Direction::Request ? position : slots_.size() - 1 - position;
  }
  bool wantsDone() const { return wants_done_; }
  bool wantsAttempts() const { return wants_attempts_; }

 private:
  void compile(Direction direction);

  std::vector<ChainSlot> slots_;
  std::array<std::array<std::vector<uint8_t>, 3>, 2> order_;
  std::array<std::vector<BodyNeed>, 2> needs_;
  bool wants_done_ = false, wants_attempts_ = false;
};

}  // namespace weir::stream
