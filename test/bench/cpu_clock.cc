#include "cpu_clock.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace weir::bench {

std::uint64_t cpuNanoseconds(pid_t pid) {
  std::uint64_t sum = 0;
  std::error_code error;
  const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", error);
  if (error) return 0;
  for (const auto& task : tasks) {
    std::uint64_t on_cpu = 0;
    if (std::ifstream(task.path() / "schedstat") >> on_cpu) sum += on_cpu;
  }
  return sum;
}

}  // namespace weir::bench
