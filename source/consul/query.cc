#include "source/consul/query.h"

#include <algorithm>
#include <charconv>

namespace weir::consul {
namespace {

using std::chrono::milliseconds;

// What a body says of a failure, as one line.
std::string lineOf(std::string_view body) {
  constexpr size_t kMost = 200;
  std::string line(body.substr(0, kMost));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c >= 0x7f; }, ' ');
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// Consul says with words what its status leaves open, at whatever status.
Reason reasonOf(uint16_t status, std::string_view body) {
  const auto says = [&](std::string_view words) { return body.find(words) != body.npos; };
  if (says("ACL not found")) return Reason::AclNotFound;
  if (status == 401 || status == 403 || says("Permission denied")) return Reason::PermissionDenied;
  if (status == 429 || says("rate limit exceeded")) return Reason::TooManyRequests;
  for (const std::string_view words :
       {"No cluster leader", "No known Consul servers", "rpc error getting client",
        "resolver error", "error reading from server", "client connection is closing"}) {
    if (says(words)) return Reason::NoLeader;
  }
  if (says("boolean expression")) return Reason::BadRequest;  // a filter; with status 500
  if (status >= 500) return Reason::ServerError;
  if (status == 404) return Reason::NotFound;
  return status == 400 ? Reason::BadRequest : Reason::BadAnswer;
}

// Nothing: there is none that could be waited for.
std::optional<uint64_t> indexOf(std::string_view text) {
  uint64_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, index);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return index;
}

bool isEmptyList(std::string_view body) {
  while (!body.empty() && static_cast<unsigned char>(body.back()) <= ' ') body.remove_suffix(1);
  return body == "[]" || body == "{}" || body == "null";
}

}  // namespace

std::optional<Refusal> refusalOf(const CallResult& result) {
  if (result.failure) return Refusal{Reason::NoAnswer, std::string(result.failure.detail)};
  if (result.status == 200) return std::nullopt;
  std::string detail = "HTTP status " + std::to_string(result.status);
  if (const std::string line = lineOf(result.body); !line.empty()) detail += ": " + line;
  return Refusal{reasonOf(result.status, result.body), std::move(detail)};
}

CallRequest Query::request(std::string_view token, milliseconds wait) {
  CallRequest request;
  request.path = question_.target;
  request.timeout = kPatience;
  asked_index_ = wait.count() == 0 ? 0 : index_;
  may_be_denied_ = token.empty();
  if (asked_index_ != 0) {
    if (request.path.back() != '?') request.path += '&';
    if (question_.cached) request.path += "cached&";
    request.path +=
        "index=" + std::to_string(asked_index_) + "&wait=" + std::to_string(wait.count()) + "ms";
    request.timeout += wait + wait / 16;
  }
  request.max_response_body = kMostBody;
  request.fields.emplace_back("accept", "application/json");
  if (!token.empty()) request.fields.emplace_back("x-consul-token", token);
  return request;
}

Taken Query::take(CallResult result, std::chrono::nanoseconds took, uint64_t random,
                  const Use& use) {
  const std::optional<uint64_t> index = indexOf(result.field("x-consul-index"));
  // With an index and without a word it is Consul that says so, not somebody on the way.
  if (question_.absent_is_empty && result.status == 404 && index && result.body.empty()) {
    result.status = 200;
    result.body = "[]";
  }
  if (auto failed = judge(result, random)) return *std::move(failed);
  const bool empty = isEmptyList(result.body);
  Taken taken{Taken::Kind::Unchanged, false, {}, {}, poll_};
  if (question_.blocks && index) {
    taken.pause = pauseAfter(took);
    taken.moved = *index != index_;
  }
  const bool emptied = empty && !empty_;
  if (asked_index_ != 0 && (emptied || index < asked_index_)) {
    index_ = 0;  // the answer to the next question counts
    return taken;
  }
  const bool news = asked_index_ == 0 || index != asked_index_;
  const size_t hash = std::hash<std::string_view>()(result.body);
  if (news && hash_ != hash) {
    if (auto wrong = use(result.body)) {
      hash_.reset();
      return fail(Reason::BadAnswer, *std::move(wrong), random);
    }
    hash_ = hash;
    empty_ = empty;
    taken.kind = Taken::Kind::Changed;
  }
  back_off_.reset();
  index_ = question_.blocks && index ? std::max<uint64_t>(*index, 1) : 0;
  return taken;
}

// Nothing: the body may be looked at.
std::optional<Taken> Query::judge(const CallResult& result, uint64_t random) {
  if (auto refusal = refusalOf(result)) {
    return fail(refusal->reason, std::move(refusal->detail), random);
  }
  if (question_.partial || !isEmptyList(result.body)) return std::nullopt;
  // Consul leaves out what a token may not see; nothing at all is then no news of the service.
  if (result.field("x-consul-results-filtered-by-acls") == "true") {
    return fail(Reason::PermissionDenied, "the token may see nothing of what there is", random);
  }
  // Without a token it does not say so; what was seen before may be seen still.
  if (may_be_denied_ && !hash_ && result.field("x-consul-default-acl-policy") == "deny") {
    return fail(Reason::PermissionDenied,
                "nothing is there, or nothing may be seen without a token", random);
  }
  return std::nullopt;
}

milliseconds Query::pauseAfter(std::chrono::nanoseconds took) {
  const milliseconds pause = pause_;
  pause_ = took < kRest ? std::min(pause_ * 2, kLongestPause) : kPause;
  return pause;
}

Taken Query::fail(Reason reason, std::string detail, uint64_t random) {
  index_ = 0;
  return {Taken::Kind::Failed, false, reason, std::move(detail), back_off_.next(random)};
}

}  // namespace weir::consul
