// Sketch: bearer tokens are checked against keys that a service publishes. One fetch serves all who
// wait, on every worker; the first begins before the first request. Tokens are "Bearer ID:NAME" and
// a key set is a list of IDs here: reading real ones is what libraries are for.
#include <atomic>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "test/harness/sketches/sketches.h"
#include "test/harness/sketches/sketches.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::sketches {
namespace {

using namespace std::chrono_literals;

struct Jwks {
  std::set<std::string, std::less<>> ids;

  static std::shared_ptr<const Jwks> parse(const CallResult& answer) {
    if (answer.failure || answer.status != 200) return nullptr;
    auto keys = std::make_shared<Jwks>();
    std::istringstream text(answer.body);
    for (std::string id; text >> id;) keys->ids.insert(id);
    return keys;
  }
};

struct Token {
  std::string_view id, name;
};

Token bearer(const RequestHead& head) {
  std::string_view text = head.fields.get(HeaderId::Authorization).value_or("");
  if (!text.starts_with("Bearer ")) return {};
  text.remove_prefix(7);
  const size_t colon = std::min(text.find(':'), text.size());
  return {text.substr(0, colon), text.substr(std::min(colon + 1, text.size()))};
}

Verdict unauthorized(std::string_view text) { return Verdict::reply(401, text, "jwt_denied"); }

struct Keys {  // of one provider, for all workers
  std::atomic<std::shared_ptr<const Jwks>> now;
  Signal wanted, fetched;
};

Task<Done> keepFetching(std::shared_ptr<Keys> keys, CallRequest question, Async& async) {
  while (true) {
    Pending<bool> wanted = async.until(keys->wanted, 10min);
    if (auto jwks = Jwks::parse(co_await async.call(question))) keys->now = std::move(jwks);
    keys->fetched.raise();
    co_await async.sleep(1s);  // however many unknown keys are asked for
    co_await wanted;
  }
}

struct Plan {
  std::shared_ptr<Keys> keys = std::make_shared<Keys>();
  std::chrono::milliseconds timeout;
  Background fetching;

  static Result<Plan> from(const JwtKeys& proto, PlanBuild& build) {
    if (!build.hasCluster(proto.cluster())) return Error{"cluster", "no such cluster"};
    Plan plan;
    plan.timeout = millis(proto.timeout());
    CallRequest question;
    question.cluster = proto.cluster();
    question.path = proto.path();
    plan.fetching = build.background(
        [=, keys = plan.keys](Async& async) { return keepFetching(keys, question, async); });
    return plan;
  }
};

class JwtAuthn final : public Filter {
 public:
  explicit JwtAuthn(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    return Verdict::wait(check(bearer(head), stream));
  }

 private:
  Task<Verdict> check(Token token, Stream& stream) {
    if (token.id.empty()) co_return unauthorized("Jwt is missing");
    auto jwks = plan_.keys->now.load();
    if (jwks == nullptr || !jwks->ids.contains(token.id)) {
      Pending<bool> fetched = stream.until(plan_.keys->fetched, plan_.timeout);
      plan_.keys->wanted.raise();
      co_await fetched;
      jwks = plan_.keys->now.load();
    }
    if (jwks == nullptr) co_return unauthorized("Jwks remote fetch is failed");
    if (!jwks->ids.contains(token.id)) co_return unauthorized("Jwt verification fails");
    stream.setMetadata("weir.sketches.jwt", "name", token.name);
    co_return Verdict::pass();
  }

  const Plan& plan_;
};

}  // namespace

void installJwtKeys(FilterRegistry& registry) {
  registry.add<JwtKeys, Plan, JwtAuthn>("weir.sketches.jwt_keys");
}

}  // namespace weir::sketches
