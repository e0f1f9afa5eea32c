// Waits until nothing moves any more: every other thread of the process sleeps at the same time, so
// that whatever they do without the caller is done. For tests of who waits for whom, where /proc
// tells what threads do. Test only.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace weir::admin {

inline constexpr const char* kTasks = "/proc/self/task";

inline bool tellsOfThreads() { return std::filesystem::exists(kTasks); }

// How often the other threads went to sleep, all together; nothing while one of them is awake.
inline std::optional<uint64_t> sleepsOfOthers() {
  uint64_t sum = 0;
  for (const auto& task : std::filesystem::directory_iterator(kTasks)) {
    if (task.path().filename() == std::to_string(::gettid())) continue;
    std::ifstream status(task.path() / "status");
    std::string word;
    while (status >> word) {
      if (word == "State:" && status >> word && word != "S") return std::nullopt;
      uint64_t sleeps = 0;
      if (word == "voluntary_ctxt_switches:" && status >> sleeps) sum += sleeps;
    }
  }
  return sum;
}

// Threads that sleep in two looks and did not wake up between them have all slept at once.
inline void awaitOthersAsleep() {
  std::optional<uint64_t> before;
  for (;;) {
    const std::optional<uint64_t> now = sleepsOfOthers();
    if (now && now == before) return;
    before = now;
    std::this_thread::yield();
  }
}

}  // namespace weir::admin
