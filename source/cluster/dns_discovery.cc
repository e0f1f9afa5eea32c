#include "source/cluster/dns_discovery.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace weir::cluster {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One configured name: asks, waits, asks again.
class DnsTarget final : net::TimerUser {
 public:
  DnsTarget(DnsDiscovery& owner, EndpointSpec spec)
      : owner_(owner), spec_(std::move(spec)), timer_(*this) {}

  void resolve();
  bool answered() const { return answered_; }
  const std::vector<EndpointPtr>& endpoints() const { return endpoints_; }

 private:
  void onTimer() override { resolve(); }
  void onAnswer(const net::DnsAnswer& answer);
  // Each says whether the cluster has another set of endpoints now.
  bool takeAll(const net::DnsAnswer& answer);
  bool takeFirst(const net::DnsAnswer& answer);
  std::shared_ptr<Endpoint> made(const net::Address& address);
  void onFailure(net::DnsError error);
  milliseconds untilRefresh(const net::DnsAnswer& answer) const;
  milliseconds untilRetry();
  void wait(milliseconds interval);
  net::Address withPort(const net::Address& address) const;

  DnsDiscovery& owner_;
  const EndpointSpec spec_;
  net::Timer timer_;
  net::DnsLookup lookup_;
  std::vector<EndpointPtr> endpoints_;
  milliseconds backoff_{0};  // of the last failure; 0: the last answer was good
  bool answered_ = false;
};

void DnsTarget::resolve() {
  owner_.stats_.attempt.add();
  lookup_ = owner_.resolver_.resolve(spec_.name, owner_.spec_.family,
                                     [this](const net::DnsAnswer& answer) { onAnswer(answer); });
}

net::Address DnsTarget::withPort(const net::Address& address) const {
  net::Address with = address;
  with.setPort(spec_.port);
  return with;
}

void DnsTarget::onAnswer(const net::DnsAnswer& answer) {
  using net::DnsError;
  answered_ = true;
  const bool logical = owner_.discovery_ == Discovery::LogicalDns;
  const bool nothing = answer.error == DnsError::NotFound || answer.error == DnsError::NoData;
  if (nothing) owner_.stats_.empty.add();
  // That a name has no address is an answer, but no reason to leave the one endpoint of
  // LOGICAL_DNS.
  if (answer.ok() || (nothing && !logical)) {
    owner_.stats_.success.add();
    backoff_ = milliseconds(0);
    if (logical ? takeFirst(answer) : takeAll(answer)) {
      owner_.publish();
    } else {
      owner_.stats_.no_rebuild.add();
    }
    wait(untilRefresh(answer));
  } else {
    onFailure(answer.error);
  }
  owner_.onTargetAnswered();
}

void DnsTarget::onFailure(net::DnsError error) {
  owner_.stats_.failure.add();
  if (backoff_ == milliseconds(0) && owner_.callbacks_.failing) {
    owner_.callbacks_.failing(spec_.name, error);
  }
  wait(untilRetry());
}

bool DnsTarget::takeAll(const net::DnsAnswer& answer) {
  std::vector<EndpointPtr> next;
  bool changed = false;
  for (const net::DnsAddress& each : answer.addresses) {
    const net::Address address = withPort(each.address);
    const auto has = [&](const EndpointPtr& endpoint) { return endpoint->address == address; };
    // Once for its name, however often it is answered, as in Envoy.
    if (std::any_of(next.begin(), next.end(), has)) continue;
    const auto same = std::find_if(endpoints_.begin(), endpoints_.end(), has);
    changed |= same == endpoints_.end();
    next.push_back(same != endpoints_.end() ? *same : made(address));
  }
  changed |= next.size() != endpoints_.size();
  // An answer in another order is the same answer.
  if (changed) endpoints_ = std::move(next);
  return changed;
}

bool DnsTarget::takeFirst(const net::DnsAnswer& answer) {
  net::Address address = withPort(answer.addresses.front().address);
  if (!endpoints_.empty()) {
    endpoints_.front()->moving->moveTo(std::move(address));
    return false;
  }
  auto endpoint = made(address);
  if (endpoint->moving == nullptr) {
    endpoint->moving = std::make_shared<MovingAddress>(std::move(address));
  } else {
    endpoint->moving->moveTo(std::move(address));
  }
  endpoints_.push_back(std::move(endpoint));
  return true;
}

// The same host as one of the former version's, which nobody else took.
std::shared_ptr<Endpoint> DnsTarget::made(const net::Address& address) {
  const bool logical = owner_.discovery_ == Discovery::LogicalDns;
  auto& former = owner_.former_;
  const auto same = std::find_if(former.begin(), former.end(), [&](const EndpointPtr& endpoint) {
    return endpoint->hostname == spec_.hostname && (endpoint->moving != nullptr) == logical &&
           endpoint->address.port() == spec_.port && (logical || endpoint->address == address);
  });
  if (same == former.end()) return makeEndpoint(spec_, address);
  auto endpoint = makeEndpoint(spec_, address, same->get());
  former.erase(same);
  return endpoint;
}

// Zero: what was answered never changes.
milliseconds DnsTarget::untilRefresh(const net::DnsAnswer& answer) const {
  const DnsSpec& spec = owner_.spec_;
  seconds ttl = answer.addresses.empty() ? seconds(0) : seconds::max();
  for (const net::DnsAddress& each : answer.addresses) ttl = std::min(ttl, each.ttl);
  if (ttl == seconds::max()) return milliseconds(0);
  constexpr seconds kMost = std::chrono::hours(24 * 7);
  // A TTL of zero says nothing about when to ask again: as in Envoy, the refresh rate does.
  if (!spec.respect_ttl || ttl == seconds(0)) return spec.refresh;
  return std::max(milliseconds(std::min(ttl, kMost)), spec.min_refresh);
}

// Between half of the interval and all of it where it grows: names that failed together do not come
// back together.
milliseconds DnsTarget::untilRetry() {
  const DnsSpec& spec = owner_.spec_;
  const milliseconds doubled = std::min(backoff_ * 2, spec.failure_max);
  backoff_ = std::max(backoff_ == milliseconds(0) ? spec.failure_base : doubled, milliseconds(1));
  if (spec.failure_base == spec.failure_max) return backoff_;
  return backoff_ - owner_.jitter(backoff_ / 2);
}

void DnsTarget::wait(milliseconds interval) {
  if (interval == milliseconds(0)) return;
  timer_.arm(owner_.loop_.timers(),
             owner_.loop_.now() + interval + owner_.jitter(owner_.spec_.jitter));
}

DnsDiscovery::Stats::Stats(const StatScope& scope)
    : attempt(scope.counter("update_attempt")),
      success(scope.counter("update_success")),
      failure(scope.counter("update_failure")),
      empty(scope.counter("update_empty")),
      no_rebuild(scope.counter("update_no_rebuild")) {}

DnsDiscovery::DnsDiscovery(net::Loop& loop, net::Resolver& resolver, const ClusterPlan& plan,
                           const StatScope& scope, uint64_t seed, Callbacks callbacks,
                           const EndpointSet& former)
    : loop_(loop),
      resolver_(resolver),
      discovery_(plan.settings.discovery),
      spec_(plan.dns),
      rules_(plan.rules),
      stats_(scope),
      callbacks_(std::move(callbacks)),
      former_(former.all),
      random_(static_cast<std::minstd_rand::result_type>(seed ^ (seed >> 32))) {
  for (const EndpointSpec& endpoint : plan.endpoints) {
    targets_.push_back(std::make_unique<DnsTarget>(*this, endpoint));
  }
}

DnsDiscovery::~DnsDiscovery() = default;

void DnsDiscovery::start() {
  for (const auto& target : targets_) target->resolve();
  if (targets_.empty() || !spec_.wait_for_warm) {
    ready_ = true;
    if (callbacks_.ready) callbacks_.ready();
  }
}

void DnsDiscovery::onTargetAnswered() {
  if (ready_) return;
  const auto has_endpoint = [](const auto& target) { return !target->endpoints().empty(); };
  const auto answered = [](const auto& target) { return target->answered(); };
  ready_ = std::any_of(targets_.begin(), targets_.end(), has_endpoint) ||
           std::all_of(targets_.begin(), targets_.end(), answered);
  if (ready_) former_.clear();  // the version that had them goes
  if (ready_ && callbacks_.ready) callbacks_.ready();
}

void DnsDiscovery::publish() {
  auto set = std::make_shared<EndpointSet>();
  set->rules = rules_;
  for (const auto& target : targets_) {
    set->all.insert(set->all.end(), target->endpoints().begin(), target->endpoints().end());
  }
  callbacks_.publish(std::move(set));
}

milliseconds DnsDiscovery::jitter(milliseconds most) {
  if (most <= milliseconds(0)) return milliseconds(0);
  return milliseconds(std::uniform_int_distribution<int64_t>(0, most.count())(random_));
}

}  // namespace weir::cluster
