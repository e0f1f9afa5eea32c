#include "source/xds/sotw_requests.h"

#include <utility>

#include "weir/grpc.h"

namespace weir::xds {

void SotwRequests::onStream() {
  nonce_.clear();
  error_.clear();
  answer_due_ = false;
  first_ = true;
  sent_names_.reset();
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

MessagePtr SotwRequests::next() {
  state_.takeTouched();
  if (first_ && !answer_due_ && !state_.isWanted()) return nullptr;
  std::vector<std::string> names = this->names();
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
