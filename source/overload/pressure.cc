#include "source/overload/pressure.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace weir::overload {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

Error unreadable(const std::string& file) { return {{}, file + ": cannot be read"}; }

// The first word of a file, or nothing.
std::string firstWord(const std::string& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

template <typename Number>
std::optional<Number> numberOf(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

struct CgroupFiles {
  std::string usage, limit;
};

CgroupFiles filesOf(const std::string& root) {
  CgroupFiles two{root + "/memory.current", root + "/memory.max"};
  if (::access(two.usage.c_str(), R_OK) == 0) return two;
  return {root + "/memory/memory.usage_in_bytes", root + "/memory/memory.limit_in_bytes"};
}

// "max" and "-1" are no limit; so is a root cgroup, which has no such file.
uint64_t limitOf(const std::string& file) {
  return numberOf<uint64_t>(firstWord(file)).value_or(kUnlimited);
}

}  // namespace

PressureSource fixedHeap(uint64_t max_bytes, std::string statm) {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return [max_bytes, page, statm = std::move(statm)]() -> Result<double> {
    uint64_t size = 0;
    uint64_t resident = 0;
    uint64_t shared = 0;
    if (!(std::ifstream(statm) >> size >> resident >> shared)) return unreadable(statm);
    // The kernel counts the two apart: for a moment the part may be more than the whole.
    const uint64_t own = resident - std::min(resident, shared);
    return static_cast<double>(own * page) / static_cast<double>(max_bytes);
  };
}

PressureSource cgroupMemory(uint64_t max_bytes, std::string root) {
  return
      [most = max_bytes == 0 ? kUnlimited : max_bytes, files = filesOf(root)]() -> Result<double> {
        const uint64_t limit = std::min(most, limitOf(files.limit));
        const auto used = numberOf<uint64_t>(firstWord(files.usage));
        if (!used) return unreadable(files.usage);
        if (limit == kUnlimited || limit == 0) return 0.0;
        return static_cast<double>(*used) / static_cast<double>(limit);
      };
}

PressureSource injected(std::string file) {
  return [file = std::move(file)]() -> Result<double> {
    const auto pressure = numberOf<double>(firstWord(file));
    if (!pressure) return Error{{}, file + ": expected a number"};
    if (!(*pressure >= 0 && *pressure <= 1)) return Error{{}, file + ": expected 0 to 1"};
    return *pressure;
  };
}

}  // namespace weir::overload
