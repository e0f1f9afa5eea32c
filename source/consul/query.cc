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
  if (says("No cluster leader") || says("No known Consul servers")) return Reason::NoLeader;
  if (status >= 500) return Reason::ServerError;
  if (status == 404) return Reason::NotFound;
  return status == 400 ? Reason::BadRequest : Reason::BadAnswer;
}

bool isEmptyList(std::string_view body) {
  while (!body.empty() && static_cast<unsigned char>(body.back()) <= ' ') body.remove_suffix(1);
  return body == "[]" || body == "{}" || body == "null";
}

}  // namespace

CallRequest Query::request(std::string_view token, milliseconds wait) const {
  CallRequest request;
  request.path = question_.target;
  request.timeout = kPatience;
  if (waits()) {
    if (request.path.back() != '?') request.path += '&';
    request.path +=
        "index=" + std::to_string(index_) + "&wait=" + std::to_string(wait.count()) + "ms";
    request.timeout += wait + wait / 16;
  }
  request.max_response_body = kMostBody;
  request.fields.emplace_back("accept", "application/json");
  if (!token.empty()) request.fields.emplace_back("x-consul-token", token);
  return request;
}

Taken Query::take(CallResult result, std::chrono::nanoseconds took, uint64_t random,
                  const Use& use) {
  if (result.failure) return fail(Reason::NoAnswer, std::string(result.failure.detail), random);
  if (result.status == 404 && question_.absent_is_empty) {
    result.body = "[]";
  } else if (result.status != 200) {
    std::string detail = "HTTP status " + std::to_string(result.status);
    if (const std::string line = lineOf(result.body); !line.empty()) detail += ": " + line;
    return fail(reasonOf(result.status, result.body), std::move(detail), random);
  }
  // Consul leaves out what a token may not see; nothing at all is then no news of the service.
  if (!question_.partial && result.field("x-consul-results-filtered-by-acls") == "true" &&
      isEmptyList(result.body)) {
    return fail(Reason::PermissionDenied, "the token may see nothing of what there is", random);
  }
  const uint64_t before = index_;
  const bool waits = follow(result.field("x-consul-index"));
  const bool rewound = waits && before != 0 && index_ == 0;
  const size_t hash = std::hash<std::string_view>()(result.body);
  const bool same = rewound || hash_ == hash;
  if (!same) {
    if (auto wrong = use(result.body)) {
      hash_.reset();
      return fail(Reason::BadAnswer, *std::move(wrong), random);
    }
    hash_ = hash;
  }
  back_off_.reset();
  return {same ? Taken::Kind::Unchanged : Taken::Kind::Changed,
          {},
          {},
          waits ? pauseAfter(took) : poll_};
}

bool Query::follow(std::string_view text) {
  uint64_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, index);
  const bool waits = question_.blocks && !text.empty() && error == std::errc() && at == end;
  index_ = !waits || index < index_ ? 0 : std::max<uint64_t>(index, 1);
  return waits;
}

milliseconds Query::pauseAfter(std::chrono::nanoseconds took) {
  const milliseconds pause = pause_;
  pause_ = took < kRest ? std::min(pause_ * 2, kLongestPause) : kPause;
  return pause;
}

Taken Query::fail(Reason reason, std::string detail, uint64_t random) {
  index_ = 0;
  return {Taken::Kind::Failed, reason, std::move(detail), back_off_.next(random)};
}

}  // namespace weir::consul
