// A PerWorker<T> is one T for every worker: state that a Plan shares among the streams of a worker
// without atomics, such as a local bucket. Made by PlanBuild::perWorker(), kept in the Plan;
// here() is the calling worker's, and only that worker ever touches it.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir {

// Which worker this thread is, from 0; set by the proxy when the thread begins.
inline constinit thread_local uint32_t t_worker = 0;

template <typename T>
class PerWorker {
 public:
  PerWorker() = default;
  // One T(args…) for each of `workers`.
  template <typename... Args>
  explicit PerWorker(uint32_t workers, const Args&... args) {
    for (uint32_t i = 0; i < workers; ++i) cells_.push_back(std::make_unique<Cell>(args...));
  }

  T& here() const {
    assert(t_worker < cells_.size());
    return cells_[t_worker]->value;
  }

 private:
  struct alignas(64) Cell {  // a cache line of its own
    template <typename... Args>
    explicit Cell(const Args&... args) : value(args...) {}
    T value;
  };
  std::vector<std::unique_ptr<Cell>> cells_;
};

}  // namespace weir
