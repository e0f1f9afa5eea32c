#include "source/consul/resources.h"

#include <string_view>

#include "source/xds/requests.h"

namespace weir::consul {
namespace {

using xds::Refusal;
using xds::ResourceType;

std::string_view titleOf(Resources::Origin origin) {
  return origin == Resources::Origin::Keys ? "the key/value store" : "the catalog";
}

// Of Consul's indexes.
bool isOlder(std::string_view one, std::string_view other) {
  return one.size() != other.size() ? one.size() < other.size() : one < other;
}

}  // namespace

// A response, and what of it nobody is told: that it would stand in the way of another origin's.
struct Resources::Merged {
  xds::Response response;
  std::vector<Refusal> conflicts;
  xds::Applying applying;
};

// What there is of one type.
struct Resources::Lane {
  struct Said {
    std::vector<xds::ResourcePtr> resources;
    std::vector<Refusal> unreadable;

    bool operator==(const Said&) const = default;
  };

  Lane(Resources& of, ResourceType type)
      : state(of.loop_, xds::factsOf(type), [&of] { of.wake(); }) {}

  xds::TypeState state;
  std::map<Origin, Said> said;
  bool news = false;                                      // in `said`
  std::unique_ptr<Merged> merged;                         // null: nothing is being applied
  std::set<std::pair<std::string, std::string>> refused;  // name and reason, as the log has them
};

Resources::Resources(net::Loop& loop, Settings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      timer_(*this),
      refused_(settings_.scope.gauge("resources_refused")) {}

Resources::~Resources() = default;

Resources::Lane& Resources::laneOf(ResourceType type) {
  auto& lane = lanes_[type];
  if (lane == nullptr) lane = std::make_unique<Lane>(*this, type);
  return *lane;
}

xds::TypeState& Resources::of(ResourceType type) { return laneOf(type).state; }

void Resources::set(Origin origin, ResourceType type, std::vector<xds::ResourcePtr> resources,
                    std::vector<Refusal> unreadable) {
  Lane& lane = laneOf(type);
  Lane::Said said{std::move(resources), std::move(unreadable)};
  const auto [at, first] = lane.said.try_emplace(origin);
  if (!first && at->second == said) return;
  at->second = std::move(said);
  lane.news = true;
  wake();
}

void Resources::miss(Origin origin) {
  if (missed_.insert(origin).second) wake();
}

// Clusters before listeners, and these before routes; what follows waits for all parts of what is
// being applied. Watchers may ask for types that nobody has asked for before.
void Resources::onTimer() {
  for (const auto& [type, lane] : lanes_) {
    if (lane->merged == nullptr) begin(*lane);
    if (lane->merged != nullptr && !goOn(*lane)) return wake();
  }
}

void Resources::begin(Lane& lane) {
  xds::TypeState& state = lane.state;
  bool whole = true;
  for (const auto& [origin, types] : settings_.origins) {
    if (!types.contains(state.facts().type) || lane.said.contains(origin)) continue;
    if (!missed_.contains(origin)) return;
    whole = false;
  }
  if (!whole && lane.said.empty()) return;
  const bool wanted = state.hasTouched() || (state.wantsAll() && !state.complete());
  if (!lane.news && !wanted) return;
  lane.news = false;
  lane.merged = std::make_unique<Merged>(merge(lane, whole));
  state.countAttempt();
}

Resources::Merged Resources::merge(Lane& lane, bool whole) const {
  Merged merged;
  xds::Response& response = merged.response;
  response.type = lane.state.facts().type;
  response.delta = !whole;
  std::map<std::string_view, Origin> names;
  for (const auto& [origin, said] : lane.said) {
    for (const xds::ResourcePtr& resource : said.resources) {
      const auto [at, fresh] = names.emplace(resource->name, origin);
      if (fresh) {
        response.resources.push_back(resource);
        if (isOlder(response.version, resource->version)) response.version = resource->version;
      } else {
        merged.conflicts.push_back(
            {resource->name, "that of " + std::string(titleOf(origin)) + " is not used: " +
                                 std::string(titleOf(at->second)) + " has one of this name"});
      }
    }
    for (const Refusal& refusal : said.unreadable) {
      const bool fresh = names.emplace(refusal.name, origin).second;
      (fresh ? response.refusals : merged.conflicts).push_back(refusal);
    }
  }
  if (!whole) return merged;
  // Of a type whose responses need not be whole, absence has to be said; and to who asks, always.
  const xds::TypeFacts& facts = lane.state.facts();
  std::set<std::string> gone;
  for (const std::string& name : lane.state.takeTouched()) {
    if (lane.state.wants(name) && !names.contains(name)) gone.insert(name);
  }
  for (const auto& [name, held] : lane.state.held()) {
    if (facts.whole) {
      gone.erase(name);
    } else if (!held->removed && !names.contains(name)) {
      gone.insert(name);
    }
  }
  response.removed.assign(gone.begin(), gone.end());
  return merged;
}

bool Resources::goOn(Lane& lane) {
  auto& [response, conflicts, applying] = *lane.merged;
  lane.state.apply(response, kAtOnce, applying);
  if (!applying.done) return false;
  if (response.delta) lane.state.countFailure();  // it may have more than it has said
  std::vector<Refusal> refusals = std::move(applying.outcome.refusals);
  refusals.insert(refusals.end(), conflicts.begin(), conflicts.end());
  lane.merged.reset();
  tell(lane, refusals);
  if (lane.news) wake();
  return true;
}

// Each that the log does not have yet.
void Resources::tell(Lane& lane, const std::vector<Refusal>& refusals) {
  std::set<std::pair<std::string, std::string>> refused;
  std::vector<Refusal> fresh;
  for (const Refusal& refusal : refusals) {
    const auto at = refused.emplace(refusal.name, refusal.text).first;
    if (!lane.refused.contains(*at)) fresh.push_back(refusal);
  }
  refused_.sub(lane.refused.size());
  refused_.add(refused.size());
  lane.refused = std::move(refused);
  xds::warnOf(lane.state.facts(), fresh, "consul: ");
}

}  // namespace weir::consul
