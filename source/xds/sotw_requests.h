// Requests for the state of the world: each names everything that is wanted.
//
// - The version is that of the response accepted last, on any stream; the nonce is that of the last
//   response of this stream, whatever became of it.
// - No names on a stream's first request mean everything; so where nothing is wanted none is sent.
//   After names were sent no names mean nothing, and "*" stands for everything.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "source/xds/requests.h"

namespace weir::xds {

class SotwRequests final : public Requests {
 public:
  explicit SotwRequests(TypeState& state) : state_(state) {}

  void onStream() override;
  void onResponse(const Response& response, std::span<const Refusal> refusals) override;
  MessagePtr next() override;

 private:
  std::vector<std::string> names() const;
  void noteReturned();

  TypeState& state_;
  std::string version_;  // accepted last
  std::string nonce_;
  std::string error_;  // of the response to be answered; empty: it was accepted
  bool answer_due_ = false;
  bool first_ = true;                                   // of this stream
  std::optional<std::vector<std::string>> sent_names_;  // last; nothing: everything, unnamed
  std::set<std::string> returned_;  // left out of one request, to be asked for anew by the next
};

}  // namespace weir::xds
