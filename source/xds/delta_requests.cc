#include "source/xds/delta_requests.h"

#include <utility>

#include "weir/grpc.h"

namespace weir::xds {
namespace {

constexpr char kEverything[] = "*";

}  // namespace

void DeltaRequests::onStream() {
  answers_.clear();
  subscribed_.clear();
  all_ = false;
  first_ = true;
}

void DeltaRequests::onResponse(const Response& response, std::span<const Refusal> refusals) {
  answers_.push_back({response.nonce, {}});
  if (!refusals.empty()) answers_.back().error = errorText(state_.facts(), refusals);
}

// Everything alone is said by naming nothing, which every server understands.
void DeltaRequests::fillFirst(Message& request) {
  state_.takeTouched();
  const std::vector<std::string> names = state_.names();
  all_ = state_.wantsAll();
  if (all_ && !names.empty()) request.add_resource_names_subscribe(kEverything);
  for (const std::string& name : names) request.add_resource_names_subscribe(name);
  subscribed_.insert(names.begin(), names.end());
  for (auto& [name, version] : state_.versions()) {
    (*request.mutable_initial_resource_versions())[name] = version;
  }
}

// A name that has gone and come back is asked for again: what was held of it is lost.
bool DeltaRequests::fillChanges(Message& request) {
  for (const std::string& name : state_.takeTouched()) {
    if (state_.wants(name)) {
      request.add_resource_names_subscribe(name);
      subscribed_.insert(name);
    } else if (subscribed_.erase(name) != 0) {
      request.add_resource_names_unsubscribe(name);
    }
  }
  if (state_.wantsAll() != all_) {
    all_ = !all_;
    all_ ? request.add_resource_names_subscribe(kEverything)
         : request.add_resource_names_unsubscribe(kEverything);
  }
  return request.resource_names_subscribe_size() != 0 ||
         request.resource_names_unsubscribe_size() != 0;
}

MessagePtr DeltaRequests::next() {
  if (first_ && answers_.empty() && !state_.isWanted()) return nullptr;
  auto request = std::make_unique<Message>();
  bool due = first_ || !answers_.empty();
  if (std::exchange(first_, false)) {
    fillFirst(*request);
    state_.countAttempt();
  } else {
    due |= fillChanges(*request);
  }
  if (!due) return nullptr;
  request->set_type_url(std::string(state_.facts().url));
  if (answers_.empty()) return request;
  request->set_response_nonce(answers_.front().nonce);
  if (!answers_.front().error.empty()) {
    request->mutable_error_detail()->set_code(grpc::kInternal);
    request->mutable_error_detail()->set_message(std::move(answers_.front().error));
  }
  answers_.pop_front();
  return request;
}

}  // namespace weir::xds
