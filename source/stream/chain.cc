#include "source/stream/chain.h"

namespace weir::stream {

Chain::Chain(std::vector<ChainSlot> slots) : slots_(std::move(slots)) {
  compile(Direction::Request);
  compile(Direction::Response);
  for (const ChainSlot& slot : slots_) {
    wants_done_ |= (slot.type->hooks & kOnDone) != 0;
    wants_attempts_ |= (slot.type->hooks & kOnAttempt) != 0;
  }
}

void Chain::compile(Direction direction) {
  const bool request = direction == Direction::Request;
  const std::array<uint8_t, 3> bits =
      request ? std::array<uint8_t, 3>{kOnRequest, kOnRequestBody, kOnRequestTrailers}
              : std::array<uint8_t, 3>{kOnResponse, kOnResponseBody, kOnResponseTrailers};
  auto& needs = needs_[static_cast<size_t>(direction)];
  for (size_t position = 0; position < slots_.size(); ++position) {
    const ChainSlot& slot = slots_[slotAt(direction, position)];
    const BodyNeed need = request ? slot.type->request_body(slot.plan.get())
                                  : slot.type->response_body(slot.plan.get());
    needs.push_back(need);
    for (size_t phase = 0; phase < bits.size(); ++phase) {
      bool takes_part = (slot.type->hooks & bits[phase]) != 0;
      // The head stops where a filter wants the whole body, hook or not.
      if (phase == 0 && need.kind == BodyNeed::Kind::Whole) takes_part = true;
      // Who was given the body whole does not get it again in pieces.
      if (phase == 1 && need.kind != BodyNeed::Kind::Stream) takes_part = false;
      if (takes_part) {
        order_[static_cast<size_t>(direction)][phase].push_back(static_cast<uint8_t>(position));
      }
    }
  }
}

}  // namespace weir::stream
