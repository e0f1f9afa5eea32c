// Sketch: a rate limit that all proxies share, counted by Redis; when Redis is away, each worker
// counts for itself.
#include <charconv>
#include <map>
#include <string>

#include "test/harness/sketches/sketches.h"
#include "test/harness/sketches/sketches.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::sketches {
namespace {

// One more for a key, which lives for a window from its first request on.
constexpr std::string_view kTake =
    "local n = redis.call('INCR', KEYS[1]) "
    "if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end "
    "return n";

std::string take(std::string_view key, std::chrono::milliseconds window) {
  std::string text = "*5\r\n";
  const std::string time = std::to_string(window.count());
  for (const std::string_view word :
       {std::string_view("EVAL"), kTake, std::string_view("1"), key, std::string_view(time)}) {
    text += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
  }
  return text;
}

// Of the protocol's replies only these come: ":7\r\n" and "-ERR …\r\n".
size_t lineSize(std::string_view received) {
  if (received[0] != ':' && received[0] != '-') return std::string_view::npos;
  const size_t end = received.find("\r\n");
  return end == std::string_view::npos ? 0 : end + 2;
}

// How many there were; 0: Redis does not know.
uint64_t countIn(const ByteReply& reply) {
  uint64_t count = 0;
  if (reply.bytes.starts_with(':')) {
    std::from_chars(reply.bytes.data() + 1, reply.bytes.data() + reply.bytes.size(), count);
  }
  return count;
}

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string(time / std::chrono::seconds(1));
}

// What one worker counts when Redis is away.
struct LocalCount {
  std::map<std::string, uint64_t, std::less<>> counts;
  SteadyTime until{};

  uint64_t take(std::string_view key, SteadyTime now, std::chrono::milliseconds window) {
    if (now >= until) counts.clear(), until = now + window;
    return ++counts[std::string(key)];
  }
};

struct Plan {
  std::string cluster;
  uint64_t requests = 0;
  std::chrono::milliseconds window;
  PerWorker<LocalCount> local;
  Counter over_limit, error;

  static Result<Plan> from(const RedisLimit& proto, PlanBuild& build) {
    const StatScope stats = build.stats.scope("redis_limit");
    return Plan{proto.cluster(),
                proto.requests(),
                millis(proto.window()),
                build.perWorker<LocalCount>(),
                stats.counter("over_limit"),
                stats.counter("error")};
  }
};

class Limiter final : public Filter {
 public:
  explicit Limiter(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    return Verdict::wait(ask(stream, head.fields.get("x-client").value_or("nobody")));
  }

 private:
  Task<Verdict> ask(Stream& stream, std::string_view key) {
    ByteRequest question;
    question.cluster = plan_.cluster;
    question.bytes = take(key, plan_.window);
    question.reply_size = lineSize;
    question.timeout = std::chrono::milliseconds(50);
    uint64_t count = countIn(co_await stream.exchange(std::move(question)));
    if (count == 0) {
      plan_.error.add();
      count = plan_.local.here().take(key, stream.now(), plan_.window);
    }
    if (count <= plan_.requests) co_return Verdict::pass();
    plan_.over_limit.add();
    LocalReply reply;
    reply.status = 429;
    reply.details = "request_rate_limited";
    reply.flag = ResponseFlag::RateLimited;
    reply.add(stream.arena(), HeaderId::RetryAfter, seconds(plan_.window));
    co_return Verdict::reply(reply);
  }

  const Plan& plan_;
};

}  // namespace

void installRedisLimit(FilterRegistry& registry) {
  registry.add<RedisLimit, Plan, Limiter>("weir.sketches.redis_limit");
}

}  // namespace weir::sketches
