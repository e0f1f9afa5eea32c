// Requests write what one stream must send for one type of resource: the first request, answers to
// responses (ACK, NACK), changes of what is wanted. There is one for the state of the world and one
// for deltas; both are pure, and their rules are those of
// https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
//
//   onStream, (next | onResponse)*, and again
//
// Every response is answered exactly once, in its order, by what next() returns. Main thread.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "source/xds/resource.h"
#include "source/xds/type_state.h"

namespace weir::xds {

using MessagePtr = std::unique_ptr<google::protobuf::Message>;

class Requests {
 public:
  static std::unique_ptr<Requests> make(bool delta, TypeState& state);

  virtual ~Requests() = default;
  // A new stream: nothing of the old one counts but what was accepted on it.
  virtual void onStream() = 0;
  // The response was applied; `refusals` says what of it is not in use.
  virtual void onResponse(const Response& response, std::span<const Refusal> refusals) = 0;
  // What is to be sent now, without the node; null: nothing. Asked until it is null.
  virtual MessagePtr next() = 0;
};

// The longest text of a NACK: it travels in one message, and people read it.
inline constexpr size_t kMostErrorText = 4096;

// "Error adding/updating cluster(s) a: why\nb: why", cut, and UTF-8 whatever the names are: who is
// sent anything else cannot read the request.
std::string errorText(const TypeFacts& facts, std::span<const Refusal> refusals);
// The same for the log, a line each; of many only the first. `from`: "a/file.yaml: ", or nothing.
void warnOf(const TypeFacts& facts, std::span<const Refusal> refusals, std::string_view from = {});

}  // namespace weir::xds
