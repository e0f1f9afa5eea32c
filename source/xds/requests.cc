#include "source/xds/requests.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "source/config/text_check.h"
#include "source/xds/delta_requests.h"
#include "source/xds/sotw_requests.h"

namespace weir::xds {
namespace {

constexpr size_t kMostName = 256, kMostReason = 1024;  // bytes that are said of each
constexpr size_t kMostWarnings = 10;

// On one line, in whole characters; what is none is a question mark.
std::string sayable(std::string_view text, size_t most) {
  std::string said;
  while (!text.empty()) {
    const size_t size = config::utf8Length(text);
    if (said.size() + std::max<size_t>(size, 1) > most) return said + "…";
    const auto first = static_cast<unsigned char>(text.front());
    said += size == 0 || first < 0x20 || first == 0x7f ? "?" : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return said;
}

std::string nameIn(const Refusal& refusal) {
  return refusal.name.empty() ? "(without a name)" : sayable(refusal.name, kMostName);
}

}  // namespace

std::unique_ptr<Requests> Requests::make(bool delta, TypeState& state) {
  if (delta) return std::make_unique<DeltaRequests>(state);
  return std::make_unique<SotwRequests>(state);
}

std::string errorText(const TypeFacts& facts, std::span<const Refusal> refusals) {
  std::string text = "Error adding/updating " + std::string(facts.title) + "(s) ";
  size_t said = 0;
  for (const Refusal& refusal : refusals) {
    std::string one = said == 0 ? "" : "\n";
    one += nameIn(refusal);
    one += ": " + sayable(refusal.text, kMostReason);
    if (text.size() + one.size() > kMostErrorText) break;
    text += one;
    ++said;
  }
  if (said < refusals.size()) text += "… (" + std::to_string(refusals.size()) + " in all)";
  return text;
}

void warnOf(const TypeFacts& facts, std::span<const Refusal> refusals, std::string_view from) {
  for (const Refusal& refusal : refusals.first(std::min(refusals.size(), kMostWarnings))) {
    spdlog::warn("xds: {}{} '{}' is refused: {}", from, facts.title, nameIn(refusal),
                 sayable(refusal.text, kMostReason));
  }
  if (refusals.size() > kMostWarnings) {
    spdlog::warn("xds: {}{} more {}(s) are refused", from, refusals.size() - kMostWarnings,
                 facts.title);
  }
}

}  // namespace weir::xds
