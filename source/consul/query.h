// A Query is the protocol of one Question: what is sent next, and what an answer to it means, by
// the rules of Consul's blocking queries. Pure: no sockets, no clock. Main thread.
//
//   (request, take)*
//
// https://developer.hashicorp.com/consul/api-docs/features/blocking
// - what comes with the index that was asked with is no news;
// - an index that goes back is forgotten, with what came with it, and Consul is asked anew;
// - an index of 0 counts as 1, which blocks, while 0 would not;
// - an answer without an index cannot be waited for: it is polled.
// Measured on Consul 1.22: an agent that lost its servers, and one whose token was revoked, answer
// a question that waits with 200 and an empty list in the end; one that does not wait, with an
// error. So an empty list ends a list only when it is the answer to a question that did not wait.
// After a failure the next question does not wait either.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "source/consul/question.h"
#include "source/rpc/back_off.h"
#include "weir/client.h"

namespace weir::consul {

// Why there is no answer that could be used.
enum class Reason : uint8_t {
  AclNotFound,       // Consul does not know the token
  PermissionDenied,  // the token may not see what is asked for
  TooManyRequests,   // of one client's connections, or of requests in a second
  NoLeader,          // the servers have none, or the agent does not reach them
  ServerError,       // 5xx of another kind
  NotFound,
  BadRequest,  // such as a filter that Consul cannot read
  BadAnswer,   // another status, or not what Consul says
  NoAnswer,    // connection, or time
};
constexpr std::array<std::string_view, 9> kReasons{
    "acl_not_found", "permission_denied", "too_many_requests", "no_leader", "server_error",
    "not_found",     "bad_request",       "bad_answer",        "no_answer"};
constexpr std::string_view nameOf(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }
// Whom one question failed for this, others will, too, unless they were answered meanwhile.
constexpr bool concernsAll(Reason reason) {
  return reason == Reason::NoAnswer || reason == Reason::NoLeader ||
         reason == Reason::TooManyRequests || reason == Reason::AclNotFound;
}

struct Refusal {
  Reason reason = Reason::NoAnswer;
  std::string detail;  // one line, for people
};
// Nothing: Consul did what it was asked for.
std::optional<Refusal> refusalOf(const CallResult& result);

struct Taken {
  enum class Kind : uint8_t { Unchanged, Changed, Failed };  // Changed: and used

  Kind kind = Kind::Failed;
  bool moved = false;                // something has changed, perhaps not what the body says
  Reason reason = Reason::NoAnswer;  // Failed
  std::string detail;                // Failed: one line, for people
  std::chrono::milliseconds pause;   // before the next question
};

class Query {
 public:
  // Between an answer and the next question, so that an index that never rests cannot spin:
  // doubled, twice at most, while answers come within kRest.
  static constexpr std::chrono::milliseconds kPause{100}, kLongestPause{400}, kRest{500};
  // For an answer to arrive, beyond what Consul waits.
  static constexpr std::chrono::milliseconds kPatience{10'000};
  static constexpr rpc::BackOff::Bounds kBackOff{std::chrono::milliseconds(500),
                                                 std::chrono::milliseconds(30'000)};
  static constexpr uint64_t kMostBody = 64 << 20;

  explicit Query(Question question, std::chrono::milliseconds poll = std::chrono::seconds(10))
      : question_(std::move(question)), poll_(poll), back_off_(kBackOff) {}

  // The next question waits at Consul for news.
  bool waits() const { return index_ != 0; }
  uint64_t index() const { return index_; }
  const Question& question() const { return question_; }

  // `wait`: for news; 0: an answer at once is wanted. `token` may be empty. The cluster is the
  // caller's to name.
  CallRequest request(std::string_view token, std::chrono::milliseconds wait);
  // Uses a body that is not the one before. Nothing: it is used; else what is wrong with it.
  using Use = std::function<std::optional<std::string>(const std::string& body)>;
  // `took`: from the question to the answer; `random` is for the back-off.
  Taken take(CallResult result, std::chrono::nanoseconds took, uint64_t random, const Use& use);

 private:
  Taken fail(Reason reason, std::string detail, uint64_t random);
  std::optional<Taken> judge(const CallResult& result, uint64_t random);
  std::chrono::milliseconds pauseAfter(std::chrono::nanoseconds took);

  const Question question_;
  const std::chrono::milliseconds poll_;
  rpc::BackOff back_off_;
  std::chrono::milliseconds pause_ = kPause;
  uint64_t index_ = 0;
  uint64_t asked_index_ = 0;    // of the last question; 0: it did not wait
  bool may_be_denied_ = false;  // it had no token
  bool empty_ = true;           // the list that is in use
  std::optional<size_t> hash_;  // of the body that is in use
};

}  // namespace weir::consul
