#include "source/xds/requests.h"

#include "source/xds/delta_requests.h"
#include "source/xds/sotw_requests.h"

namespace weir::xds {

std::unique_ptr<Requests> Requests::make(bool delta, TypeState& state) {
  if (delta) return std::make_unique<DeltaRequests>(state);
  return std::make_unique<SotwRequests>(state);
}

std::string errorText(const TypeFacts& facts, std::span<const Refusal> refusals) {
  std::string text = "Error adding/updating " + std::string(facts.title) + "(s) ";
  for (const Refusal& refusal : refusals) {
    if (&refusal != &refusals.front()) text += "\n";
    if (text.size() > kMostErrorText) break;
    text += (refusal.name.empty() ? "(without a name)" : refusal.name) + ": " + refusal.text;
  }
  if (text.size() > kMostErrorText) {
    text.resize(kMostErrorText);
    text += "… (" + std::to_string(refusals.size()) + " in all)";
  }
  return text;
}

}  // namespace weir::xds
