#include "source/live/filter_life.h"

#include <algorithm>
#include <utility>

#include "envoy/config/core/v3/extension.pb.h"
#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {

class FilterLife::One final : private xds::Watcher {
 public:
  One(FilterLife& life, size_t place)
      : life_(life),
        place_(place),
        filter_(life.plan_->filters[place]),
        scope_(life.parts_.context.stats.scope("extension_config_discovery.http_filter")
                   .scope(filter_.slot.name)),
        reload_(scope_.counter("config_reload")),
        fail_(scope_.counter("config_fail")),
        conflict_(scope_.counter("config_conflict")),
        answered_(!filter_.discovery->waits) {}

  const std::string& name() const { return filter_.slot.name; }
  bool answered() const { return answered_; }
  const xds::TypeState* said() const { return watch_ == nullptr ? nullptr : &watch_->state(); }

  void start() {
    const auto& source = filter_.discovery->source;
    Report report;  // of what was checked when the listener was
    xds::TypeState* state =
        life_.parts_.sources.find(source, xds::ResourceType::Extension, Where(report));
    if (state == nullptr) return answer();
    watch_ = xds::Watch::make(
        *state, life_.parts_.loop,
        xds::Watch::Wish{xds::Watch::Kind::Name, name(), xds::Sources::patienceOf(source), scope_},
        *this);
    const xds::ResourcePtr known = watch_->current();
    if (known == nullptr) return;
    if (const auto why = take(*known)) {
      // Another listener may use it, so nothing is refused.
      conflict_.add();
      logNamed("config").warn("filter '{}': {}", name(), *why);
    }
    answer();
  }

 private:
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override {
    for (const xds::ResourcePtr& resource : update.resources) {
      if (auto why = take(*resource)) refusals.push_back({resource->name, *std::move(why)});
    }
    answer();
  }
  void onFetchTimeout() override {
    logNamed("config").warn("filter '{}': its control plane has not answered in time", name());
    answer();
  }

  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(const xds::Resource& resource) {
    auto why = read(resource);
    (why ? fail_ : reload_).add();
    return why;
  }
  std::optional<std::string> read(const xds::Resource& resource) {
    envoy::config::core::v3::TypedExtensionConfig proto;
    if (auto why = parse(resource, proto)) return why;
    if (proto.name() != name()) return "expected '" + name() + "', found '" + proto.name() + "'";
    Report report;
    auto found = stream::readFound(*filter_.discovery, name(), proto.typed_config(),
                                   Where(report).field("typed_config"), life_.parts_.context,
                                   life_.plan_->filter_scope);
    if (!found) return wordsOf(report);
    return life_.take(place_, *std::move(found));
  }
  void answer() {
    if (!std::exchange(answered_, true)) life_.onAnswer();
  }

  FilterLife& life_;
  const size_t place_;
  const stream::ConfiguredFilter filter_;
  const StatScope scope_;
  const Counter reload_, fail_, conflict_;
  std::unique_ptr<xds::Watch> watch_;
  bool answered_;
};

FilterLife::FilterLife(const RouteLife::Parts& parts, std::shared_ptr<stream::Hcm> hcm,
                       std::shared_ptr<const stream::HcmPlan> plan, Callbacks callbacks)
    : parts_(parts),
      hcm_(std::move(hcm)),
      plan_(std::move(plan)),
      callbacks_(std::move(callbacks)) {
  for (size_t place = 0; place < plan_->filters.size(); ++place) {
    if (plan_->filters[place].discovery == nullptr) continue;
    filters_.push_back(std::make_unique<One>(*this, place));
  }
}

FilterLife::~FilterLife() = default;

bool FilterLife::isNeededBy(const stream::HcmPlan& plan) {
  return std::any_of(plan.filters.begin(), plan.filters.end(),
                     [](const auto& filter) { return filter.discovery != nullptr; });
}

void FilterLife::start() {
  started_ = true;
  for (const auto& filter : filters_) filter->start();
  onAnswer();
}

bool FilterLife::warm() const {
  return started_ && std::all_of(filters_.begin(), filters_.end(),
                                 [](const auto& filter) { return filter->answered(); });
}

void FilterLife::onAnswer() {
  if (warm() && !std::exchange(told_, true)) callbacks_.warm();
}

// Of filters that have not come the plan says itself what holds. Where routes and filters change
// together, the first to come may suit the second only: it is tried again with that.
void FilterLife::takeRoutes(std::shared_ptr<const stream::HcmPlan> plan) {
  const auto why = use(plan, found_);
  if (!why) return;
  auto all = late_;
  all.insert(found_.begin(), found_.end());
  if (!late_.empty() && !use(plan, std::move(all))) return;
  logNamed("config").error("routes '{}': {}; those from before stay", plan->routes->name(), *why);
  late_plan_ = std::move(plan);
}

std::optional<std::string> FilterLife::take(size_t place, stream::FoundFilter found) {
  auto all = found_;
  all[place] = found;
  if (late_plan_ != nullptr && !use(late_plan_, all)) return std::nullopt;
  auto why = use(plan_, std::move(all));
  if (why) late_[place] = std::move(found);
  return why;
}

// Nothing: it is in force; else why it is not.
std::optional<std::string> FilterLife::use(std::shared_ptr<const stream::HcmPlan> plan,
                                           Found found) {
  Report report;
  auto next = stream::withFilters(*plan, found, Where(report), parts_.context);
  if (next == nullptr) return wordsOf(report);
  if (!report.ok()) logNamed("config").error("{}", wordsOf(report));
  plan_ = std::move(plan);
  found_ = std::move(found);
  late_plan_ = nullptr;
  late_.clear();
  callbacks_.replace(hcm_, next);
  return std::nullopt;
}

std::vector<std::string> FilterLife::waitsFor() const {
  std::vector<std::string> names;
  for (const auto& filter : filters_) {
    if (!filter->answered()) names.push_back(filter->name());
  }
  return names;
}

std::vector<FilterLife::Said> FilterLife::said() const {
  std::vector<Said> all;
  for (const auto& filter : filters_) {
    if (filter->said() != nullptr) all.push_back({filter->name(), filter->said()});
  }
  return all;
}

}  // namespace weir::live
