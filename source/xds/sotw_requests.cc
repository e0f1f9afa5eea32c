#include "source/xds/sotw_requests.h"

#include <algorithm>
#include <utility>

#include "weir/grpc.h"

namespace weir::xds {

void SotwRequests::onStream() {
  nonce_.clear();
  error_.clear();
  answer_due_ = false;
  first_ = true;
  sent_names_.reset();
  returned_.clear();
  state_.takeTouched();
}

void SotwRequests::onResponse(const Response& response, std::span<const Refusal> refusals) {
  nonce_ = response.nonce;
  answer_due_ = true;
  if (refusals.empty()) {
    version_ = response.version;
    error_.clear();
  } else {
    error_ = errorText(state_.facts(), refusals);
  }
}

std::vector<std::string> SotwRequests::names() const {
  std::vector<std::string> names = state_.names();
  if (!state_.wantsAll()) return names;
  // Alone on a stream that never heard a name, no names say the same in an older way that every
  // server understands.
  const bool unnamed = names.empty() && (first_ || !sent_names_ || sent_names_->empty());
  if (!unnamed) names.insert(names.begin(), "*");
  return names;
}

// Nobody wanted it for a moment, so that its content is lost; the server, which was not told, would
// not send it again.
void SotwRequests::noteReturned() {
  for (const std::string& name : state_.takeTouched()) {
    const bool was_sent = sent_names_ && std::find(sent_names_->begin(), sent_names_->end(),
                                                   name) != sent_names_->end();
    if (was_sent && state_.wants(name) && state_.current(name) == nullptr) returned_.insert(name);
  }
}

MessagePtr SotwRequests::next() {
  noteReturned();
  if (first_ && !answer_due_ && !state_.isWanted()) return nullptr;
  std::vector<std::string> names = this->names();
  std::erase_if(names, [this](const std::string& name) { return returned_.contains(name); });
  returned_.clear();
  if (!first_ && !answer_due_ && names == sent_names_) return nullptr;
  auto request = std::make_unique<envoy::service::discovery::v3::DiscoveryRequest>();
  request->set_type_url(std::string(state_.facts().url));
  request->set_version_info(version_);
  request->set_response_nonce(nonce_);
  for (const std::string& name : names) request->add_resource_names(name);
  if (!error_.empty()) {
    request->mutable_error_detail()->set_code(grpc::kInternal);
    request->mutable_error_detail()->set_message(std::exchange(error_, {}));
  }
  if (first_) state_.countAttempt();
  first_ = answer_due_ = false;
  sent_names_ = std::move(names);
  return request;
}

}  // namespace weir::xds
