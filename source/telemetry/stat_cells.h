// The cells behind weir/stats.h. Every thread that counts has a block of its own: 16 M cells of
// reserved, lazily committed memory, so that a handle is one index everywhere and an increment
// needs no lock and no shared cache line. A block outlives its thread (sums never go back) and is
// handed to the next thread that asks, which goes on counting in it. Blocks are never unmapped.
//
// Cell numbers belong to the process, not to a store: two stores never share one. Cell 0 and the
// Histogram::kCells after it are "nowhere": written by handles without a store, never read.
#pragma once

#include <cstdint>
#include <span>

#include "weir/stats.h"

namespace weir::telemetry {

inline constexpr uint32_t kCellsPerBlock = 1u << 24;
inline constexpr uint32_t kFirstCell = 1 + Histogram::kCells;

// A StatThread gives the calling thread its block until it is destroyed, on that same thread. A
// worker makes one first of all; other threads get theirs at their first count.
class StatThread {
 public:
  StatThread();
  ~StatThread();
  StatThread(const StatThread&) = delete;
  StatThread& operator=(const StatThread&) = delete;

 private:
  stats::Cell* block_ = nullptr;  // null: the thread had one already
};

// Any thread. First of `count` fresh cells, all zero in every block; 0 when there are no more.
uint32_t takeCells(uint32_t count);

// Any thread: the cell's sum over all blocks. O(threads).
uint64_t sumCell(uint32_t cell);
// The same for consecutive cells: into[i] += sumCell(first + i).
void sumCells(uint32_t first, std::span<uint64_t> into);
// Whether any block's cell is not zero: a gauge that is 0 but was used usually says true.
bool isTouched(uint32_t cell);

}  // namespace weir::telemetry
