// A RuntimeKey reads one key of the runtime (layered_runtime of the bootstrap) as it is now. Who
// needs a key asks for it once, while a configuration is loaded (PlanBuild::runtime()); reading it
// at a request's time is one load, without a lock and without a search. A value; any thread reads.
//
// A key has no value until a layer gives it one, and may lose it again, so every reader says what
// holds then. A value of another kind than is asked for is none.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace weir {

struct Fraction {
  uint32_t numerator = 0;
  uint32_t denominator = 100;
  bool operator==(const Fraction&) const = default;
};

// Where the runtime writes a key's value: main thread only.
class RuntimeCell {
 public:
  void set(std::optional<uint64_t> number, std::optional<bool> flag,
           std::optional<Fraction> fraction) {
    number_.store(number.value_or(kNone), std::memory_order_relaxed);
    flag_.store(flag ? (*flag ? 2 : 1) : 0, std::memory_order_relaxed);
    fraction_.store(fraction ? uint64_t{fraction->numerator} << 32 | fraction->denominator : 0,
                    std::memory_order_relaxed);
  }

 private:
  friend class RuntimeKey;
  static constexpr uint64_t kNone = UINT64_MAX;
  std::atomic<uint64_t> number_{kNone};
  std::atomic<uint64_t> fraction_{0};  // numerator, denominator; 0: none
  std::atomic<uint8_t> flag_{0};       // 1: false, 2: true
};

class RuntimeKey {
 public:
  RuntimeKey() = default;  // never has a value
  explicit RuntimeKey(std::shared_ptr<const RuntimeCell> cell) : cell_(std::move(cell)) {}

  std::optional<uint64_t> number() const {
    const uint64_t number =
        cell_ == nullptr ? RuntimeCell::kNone : cell_->number_.load(std::memory_order_relaxed);
    return number == RuntimeCell::kNone ? std::nullopt : std::optional(number);
  }
  std::optional<bool> flag() const {
    const uint8_t flag = cell_ == nullptr ? 0 : cell_->flag_.load(std::memory_order_relaxed);
    return flag == 0 ? std::nullopt : std::optional(flag == 2);
  }
  // A number is one of percent, above 100 as 100.
  std::optional<Fraction> fraction() const {
    const uint64_t both = cell_ == nullptr ? 0 : cell_->fraction_.load(std::memory_order_relaxed);
    if (both == 0) return std::nullopt;
    return Fraction{static_cast<uint32_t>(both >> 32), static_cast<uint32_t>(both)};
  }

 private:
  std::shared_ptr<const RuntimeCell> cell_;
};

// How keys are asked for; may be empty: there is no runtime. Main thread.
using RuntimeKeys = std::function<RuntimeKey(std::string_view key)>;

inline RuntimeKey keyOf(const RuntimeKeys& keys, std::string_view name) {
  return keys && !name.empty() ? keys(name) : RuntimeKey();
}

}  // namespace weir
