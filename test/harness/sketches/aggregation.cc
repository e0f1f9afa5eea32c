// Sketch: answers with what several services say, asked at once through the routes.
#include <string>
#include <vector>

#include "test/harness/sketches/sketches.h"
#include "test/harness/sketches/sketches.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::sketches {
namespace {

struct Part {
  std::string name, path;
  bool required;
};

struct Plan {
  std::vector<Part> parts;

  static Result<Plan> from(const Aggregation& proto, PlanBuild&) {
    Plan plan;
    for (const auto& part : proto.parts()) {
      plan.parts.push_back({part.name(), part.path(), part.required()});
    }
    return plan;
  }
};

class Aggregator final : public Filter {
 public:
  explicit Aggregator(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    return head.path == "/all" ? Verdict::wait(gather(stream)) : Verdict::pass();
  }

 private:
  Task<Verdict> gather(Stream& stream) {
    std::vector<Pending<CallResult>> answers;
    for (const Part& part : plan_.parts) {
      answers.push_back(stream.call(callLike(stream.request(), part.path)));
    }
    std::string body = "{";
    bool complete = true;
    for (size_t i = 0; i < answers.size(); ++i) {
      const CallResult answer = co_await answers[i];
      const bool good = !answer.failure && answer.status == 200;
      if (!good && plan_.parts[i].required) {
        co_return Verdict::reply(502, "bad gateway\n", "aggregate_part_failed");
      }
      complete = complete && good;
      body += (i == 0 ? "\"" : ",\"") + plan_.parts[i].name + "\":" + (good ? answer.body : "null");
    }
    LocalReply reply = jsonReply(stream.arena(), 200, body + "}", "aggregated");
    if (!complete) reply.add(stream.arena(), "x-weir-completed", "false");
    co_return Verdict::reply(reply);
  }

  const Plan& plan_;
};

}  // namespace

void installAggregation(FilterRegistry& registry) {
  registry.add<Aggregation, Plan, Aggregator>("weir.sketches.aggregation");
}

}  // namespace weir::sketches
