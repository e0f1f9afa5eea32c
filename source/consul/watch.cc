#include "source/consul/watch.h"

#include <algorithm>
#include <utility>

#include "source/stream/waits.h"

namespace weir::consul {

using std::chrono::milliseconds;

Watch::Stats::Stats(const StatScope& scope)
    : attempt(scope.counter("update_attempt")),
      success(scope.counter("update_success")),
      failure(scope.counter("update_failure")),
      no_rebuild(scope.counter("update_no_rebuild")),
      acl_error(scope.counter("acl_error")),
      age(scope.gauge("list_age_seconds")) {}

Watch::Watch(Agent& agent, std::string label, Question question, WatchUser& user)
    : agent_(agent),
      label_(std::move(label)),
      user_(user),
      stats_(agent.scope().tagged(label_, "weir_consul_service")),
      query_(std::move(question), agent.settings().poll) {
  agent_.add(*this);
}

Watch::~Watch() {
  running_.reset();
  stats_.age.set(0);
  if (trouble_) agent_.troubled_.sub(1);
  agent_.remove(*this);
}

void Watch::start() {
  if (agent_.kept() != nullptr && !answered_ && !trouble_) {
    kept_timer_.arm(agent_.loop().timers(), agent_.loop().now() + kPatience);
  }
  running_.emplace(run());
  running_->start();
}

Task<Done> Watch::run() {
  for (;;) {
    milliseconds pause{0};
    {
      const bool soon = std::exchange(soon_, false) && agent_.crowded();
      const Places::Place place = co_await agent_.place(query_, soon);
      asked_ = true;
      const net::SteadyTime asked = agent_.loop().now();
      stats_.attempt.add();
      pause = take(co_await agent_.ask(query_, soon), asked);
    }
    asked_ = false;
    if (pause.count() != 0) co_await stream::sleepOn(agent_.loop(), pause);
  }
}

void Watch::askSoon() {
  if (!sharesPlaces() || !running_ || asked_ || !query_.waits()) return;
  soon_ = true;
  start();
}

milliseconds Watch::take(CallResult result, net::SteadyTime asked) {
  const auto took = agent_.loop().now() - asked;
  const bool again = answered_.has_value();  // the first list is no news to be caught up with
  const Taken taken = query_.take(std::move(result), took, agent_.parts_.random(),
                                  [this](const std::string& body) { return user_.onBody(body); });
  if (taken.kind == Taken::Kind::Failed) {
    fail(taken);
    return agent_.onFailure(taken.reason, asked) ? milliseconds(0) : taken.pause;
  }
  if (taken.kind == Taken::Kind::Unchanged) stats_.no_rebuild.add();
  succeed();
  if (taken.moved) user_.onMoved();
  if (again && taken.kind == Taken::Kind::Changed && sharesPlaces() && agent_.crowded()) {
    soon_ = true;
    return std::max(taken.pause, kAgain);
  }
  return taken.pause;
}

void Watch::succeed() {
  stats_.success.add();
  kept_.reset();
  answered_ = agent_.loop().now();
  agent_.onAnswer();
  if (!trouble_) return;
  trouble_.reset();
  agent_.troubled_.sub(1);
  showAge();
  agent_.log_.ended(label_);
  user_.onTrouble();
}

void Watch::fail(const Taken& taken) {
  stats_.failure.add();
  if (taken.reason == Reason::AclNotFound || taken.reason == Reason::PermissionDenied) {
    stats_.acl_error.add();
  }
  if (!answered_) useKept();
  if (!trouble_) agent_.troubled_.add(1);
  const bool told = trouble_ && trouble_->reason == taken.reason;
  const net::SteadyTime since = trouble_ ? trouble_->since : agent_.loop().now();
  trouble_ = Trouble{taken.reason, taken.detail, since};
  showAge();
  if (told) return;
  agent_.log_.began(label_, taken.reason, taken.detail);
  user_.onTrouble();
}

std::string Watch::file() const {
  return xds::StateDirectory::nameOf("consul",
                                     agent_.settings().cluster + '\n' + query_.question().target);
}

void Watch::keep(const std::string& body) const {
  if (agent_.kept() != nullptr && !using_kept_) agent_.kept()->write(file(), body);
}

void Watch::useKept() {
  if (agent_.kept() == nullptr || answered_ || std::exchange(looked_, true)) return;
  const auto text = agent_.kept()->read(file());
  if (!text) return;
  using_kept_ = true;
  if (!user_.onBody(text->text)) kept_ = text->written;
  using_kept_ = false;
}

std::chrono::seconds Watch::age() const {
  using std::chrono::duration_cast, std::chrono::seconds;
  if (kept_) return duration_cast<seconds>(std::chrono::system_clock::now() - *kept_);
  if (!trouble_ || !answered_) return seconds(0);
  return duration_cast<seconds>(agent_.loop().now() - *answered_);
}

}  // namespace weir::consul
