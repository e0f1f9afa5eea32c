// A Balance says how many connections each worker has on one listener; each worker writes its own.
// It is the listener's own through all its updates, shared by its workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/listener/connection_limit.h"
#include "source/net/address.h"

namespace weir::listener {

struct Balance;

// A socket that one worker accepted and another serves.
struct HandedSocket {
  std::string listener;              // its name
  std::shared_ptr<Balance> balance;  // which tells it from a later one of that name
  int fd;                            // the taker's to close
  net::Address remote;
  std::shared_ptr<ConnectionLimit> counted;  // in this limit already; null: in none
};

struct Balance {
  explicit Balance(size_t workers) : connections(workers) {}
  struct alignas(64) Count {
    std::atomic<uint32_t> value{0};
  };
  std::vector<Count> connections;

  uint64_t sum() const {
    uint64_t sum = 0;
    for (const Count& count : connections) sum += count.value.load(std::memory_order_relaxed);
    return sum;
  }
  // Gives it to another worker's WorkerListener of the same listener. Any worker.
  std::function<void(size_t worker, HandedSocket socket)> hand_over;
};

}  // namespace weir::listener
