// Requests for deltas: each says what is wanted besides, and what no longer.
//
// - A stream's first request lists what is wanted by name, and the versions of all that is held
//   from streams before. What came because everything was wanted is not wanted by name.
// - Answers stand in a queue; a change of what is wanted travels with the first of them, or alone
//   and then without a nonce.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "source/xds/requests.h"

namespace weir::xds {

class DeltaRequests final : public Requests {
 public:
  explicit DeltaRequests(TypeState& state) : state_(state) {}

  void onStream() override;
  void onResponse(const Response& response, std::span<const Refusal> refusals) override;
  MessagePtr next() override;

 private:
  using Message = envoy::service::discovery::v3::DeltaDiscoveryRequest;

  struct Answer {
    std::string nonce;
    std::string error;
  };

  void fillFirst(Message& request);
  bool fillChanges(Message& request);

  TypeState& state_;
  std::deque<Answer> answers_;
  std::set<std::string> subscribed_;  // by name, on this stream
  bool all_ = false;                  // the stream was asked for everything
  bool first_ = true;
};

}  // namespace weir::xds
