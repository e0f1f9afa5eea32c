#include "source/live/listeners.h"

#include <algorithm>
#include <utility>

#include "source/listener/socket.h"
#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {
namespace {

bool listensOn(const listener::ListenerPlan& plan, const net::Address& address) {
  return std::any_of(plan.addresses.begin(), plan.addresses.end(),
                     [&](const listener::ListenAddress& at) { return at.address == address; });
}

bool shareAnAddress(const listener::ListenerPlan& one, const listener::ListenerPlan& other) {
  return std::any_of(one.addresses.begin(), one.addresses.end(),
                     [&](const auto& at) { return listensOn(other, at.address); });
}

// What of a listener's configuration its chains depend on: all but the chains themselves.
std::string framesOf(const ListenerProto& proto) {
  ListenerProto frame = proto;
  frame.clear_filter_chains();
  frame.clear_default_filter_chain();
  return frame.SerializeAsString();
}

Listeners::KnownChains chainsOf(const ListenerProto& proto, const listener::ListenerPlan& plan) {
  Listeners::KnownChains chains;
  for (size_t i = 0; i < plan.chains.size(); ++i) {
    chains[proto.filter_chains(static_cast<int>(i)).SerializeAsString()] = plan.chains[i];
  }
  if (plan.default_chain != nullptr) {
    chains[proto.default_filter_chain().SerializeAsString()] = plan.default_chain;
  }
  return chains;
}

}  // namespace

Listeners::Listeners(const Version::Parts& parts, StatScope root, Build build, size_t workers,
                     Callbacks callbacks)
    : parts_(parts),
      root_(std::move(root)),
      build_(std::move(build)),
      workers_(workers),
      callbacks_(std::move(callbacks)),
      feeds_({.update =
                  [this](const Feed& from, const xds::Update& update,
                         std::vector<xds::Refusal>& refusals) { onUpdate(from, update, refusals); },
              .timeout = [this] { callbacks_.progress(); }}) {
  const StatScope scope = root_.scope("listener_manager");
  added_ = scope.counter("listener_added");
  modified_ = scope.counter("listener_modified");
  removed_ = scope.counter("listener_removed");
  opened_ = scope.counter("listener_create_success");
  failed_ = scope.counter("listener_create_failure");
  active_ = scope.gauge("total_listeners_active");
  warming_ = scope.gauge("total_listeners_warming");
}

Listeners::~Listeners() = default;

std::unique_ptr<Listeners::Version> Listeners::makeVersion(Entry& entry, const std::string& name,
                                                           ListenerProto proto, const Where& at) {
  KnownChains known;
  if (entry.active != nullptr && framesOf(proto) == framesOf(entry.active->proto)) {
    known = chainsOf(entry.active->proto, *entry.active->plan);
  }
  auto version = std::make_unique<Version>();
  version->plan = build_(proto, at, known);
  if (version->plan == nullptr) return nullptr;
  version->proto = std::move(proto);
  version->want(parts_, entry.active.get(),
                {callbacks_.replace, [this, known_as = name.empty() ? version->plan->name : name] {
                   onPartWarm(known_as);
                 }});
  return version;
}

void Listeners::add(const ListenerProto& proto, const Where& at) {
  Entry entry;
  auto version = makeVersion(entry, {}, proto, at);
  if (version == nullptr) return;
  const std::string name = version->plan->name;
  if (entries_.contains(name)) {
    return at.field("name").error("a listener named '" + name + "' stands above already");
  }
  if (entries_.empty()) first_ = name;
  entry.warming = std::move(version);
  entries_.emplace(name, std::move(entry));
}

Result<Done> Listeners::open() {
  std::vector<Change> changes;
  for (auto& [name, entry] : entries_) {
    auto sockets = socketsFor(name, *entry.warming->plan, changes);
    if (!sockets) return Error{{}, "listener '" + name + "': " + sockets.error().text};
    changes.push_back({name, entry.warming->plan, *std::move(sockets)});
    entry.active = std::move(entry.warming);
  }
  tell(std::move(changes));
  return Done{};
}

void Listeners::start() {
  for (auto& [name, entry] : entries_) entry.active->start();
  count();
}

void Listeners::follow(const envoy::config::core::v3::ConfigSource& source, const Where& at) {
  xds::TypeState* state = parts_.routes.sources.find(source, xds::ResourceType::Listener, at);
  if (state == nullptr) return;
  feeds_.follow(source.has_self(), *state, parts_.routes.loop,
                xds::Watch::Wish{
                    xds::Watch::Kind::All,
                    {},
                    xds::Sources::patienceOf(source),
                    root_.scope("listener_manager").scope(source.has_self() ? "consul" : "lds")});
}

void Listeners::freeze() {
  feeds_.clear();
  std::vector<std::unique_ptr<Version>> never;
  for (auto at = entries_.begin(); at != entries_.end();) {
    if (at->second.warming != nullptr) never.push_back(std::move(at->second.warming));
    at = at->second.active == nullptr ? entries_.erase(at) : std::next(at);
  }
  discard(std::move(never));
  count();
}

// What goes and what comes change together, so that an address may pass from one to the other.
void Listeners::onUpdate(const Feed& from, const xds::Update& update,
                         std::vector<xds::Refusal>& refusals) {
  settling_ = true;
  for (const std::string& name : update.removed) {
    const auto found = entries_.find(name);
    if (found != entries_.end() && found->second.feed == &from) found->second.doomed = true;
  }
  std::set<std::string> names;
  for (const xds::ResourcePtr& resource : update.resources) {
    auto why = take(from, resource);
    if (why) refusals.push_back({resource->name, *std::move(why)});
    names.insert(resource->name);
  }
  settling_ = false;
  settle(names, refusals);
  callbacks_.progress();
}

std::optional<std::string> Listeners::take(const Feed& from, const xds::ResourcePtr& resource) {
  const auto known = entries_.find(resource->name);
  if (known != entries_.end() && known->second.feed != &from) {
    return from.refusal("listener", known->second.feed);
  }
  ListenerProto proto;
  if (auto why = parse(*resource, proto)) return why;
  Report report;
  Entry fresh;
  Entry& entry = known == entries_.end() ? fresh : known->second;
  auto version = makeVersion(entry, resource->name, std::move(proto), Where(report));
  if (version == nullptr) {
    failed_.add();
    return wordsOf(report);
  }
  if (auto why = isTaken(*version->plan)) {
    failed_.add();
    return why;
  }
  version->resource = resource;
  (known == entries_.end() ? added_ : modified_).add();
  entry.feed = &from;
  entry.doomed = false;
  // The version that was warming may be who asked for the routes that this one needs.
  const std::unique_ptr<Version> overtaken = std::exchange(entry.warming, std::move(version));
  Entry& kept = known == entries_.end()
                    ? entries_.emplace(resource->name, std::move(fresh)).first->second
                    : known->second;
  kept.warming->start();
  return std::nullopt;
}

// The sockets are opened when it is warm; nobody could be told then that another process has one.
std::optional<std::string> Listeners::isTaken(const listener::ListenerPlan& plan) const {
  for (const listener::ListenAddress& at : plan.addresses) {
    const bool ours = std::any_of(entries_.begin(), entries_.end(), [&](const auto& each) {
      const auto& active = each.second.active;
      return active != nullptr && listensOn(*active->plan, at.address);
    });
    if (ours) continue;
    if (auto free = listener::probe(at); !free) return free.error().text;
  }
  return std::nullopt;
}

void Listeners::onPartWarm(const std::string& name) {
  if (settling_) return;
  std::vector<xds::Refusal> refusals;
  settle({name}, refusals);
  for (const xds::Refusal& refusal : refusals) {
    logNamed("config").error("listener '{}': {}", refusal.name, refusal.text);
  }
  callbacks_.progress();
}

bool Listeners::isWanted(const Entry& doomed) const {
  if (doomed.active == nullptr) return false;
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& each) {
    const Entry& other = each.second;
    return &other != &doomed && other.warming != nullptr && !other.warming->warm() &&
           shareAnAddress(*other.warming->plan, *doomed.active->plan);
  });
}

void Listeners::settle(const std::set<std::string>& names, std::vector<xds::Refusal>& refusals) {
  std::vector<Change> changes;
  std::vector<std::unique_ptr<Version>> refused;
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto& [name, entry] = *at;
    if (!entry.doomed || isWanted(entry)) {
      ++at;
      continue;
    }
    if (entry.active != nullptr) changes.push_back({name, nullptr, {}});
    removed_.add();
    logNamed("config").info("listener '{}' is removed", name);
    gone_.push_back(std::move(entry.active));
    at = entries_.erase(at);
  }
  for (const std::string& name : names) {
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.doomed) continue;
    Entry& entry = found->second;
    if (entry.warming == nullptr || !entry.warming->warm()) continue;
    auto sockets = socketsFor(name, *entry.warming->plan, changes);
    if (!sockets) {
      failed_.add();
      refusals.push_back({name, sockets.error().text});
      refused.push_back(std::move(entry.warming));
      if (entry.active == nullptr) entries_.erase(found);
      continue;
    }
    changes.push_back({name, entry.warming->plan, *std::move(sockets)});
    entry.warming->updated = std::chrono::system_clock::now();
    if (entry.active != nullptr) gone_.push_back(std::move(entry.active));
    entry.active = std::move(entry.warming);
  }
  tell(std::move(changes));
  discard(std::exchange(gone_, {}));
  discard(std::move(refused));
  count();
}

Result<Listeners::Sockets> Listeners::socketsFor(const std::string& name,
                                                 const listener::ListenerPlan& plan,
                                                 const std::vector<Change>& changes) {
  Sockets sockets(workers_);
  for (const listener::ListenAddress& at : plan.addresses) {
    const auto held = holderOf(at.address, changes);
    if (!held.empty() && held != name) {
      return Error{{}, "address " + at.address.text() + " is in use by listener '" + held + "'"};
    }
    std::vector<net::Fd> opened(workers_);
    if (held.empty() && !passesOn(at.address)) {
      auto made = listener::openSockets(plan, at, workers_);
      if (!made) return made.error();
      opened = *std::move(made);
      opened_.add();
    }
    for (size_t i = 0; i < workers_; ++i) sockets[i].push_back(std::move(opened[i]));
  }
  return sockets;
}

// Who has the address and goes on to have it; empty: nobody.
std::string Listeners::holderOf(const net::Address& address,
                                const std::vector<Change>& changes) const {
  for (const auto& [name, entry] : entries_) {
    if (entry.active == nullptr) continue;
    const auto changed =
        std::find_if(changes.begin(), changes.end(),
                     [&its = name](const Change& change) { return change.name == its; });
    const listener::ListenerPlan& plan =
        changed == changes.end() ? *entry.active->plan : *changed->plan;
    if (address.port() != 0 && listensOn(plan, address)) return name;
  }
  return {};
}

// Somebody has a socket there and gives it up in this change.
bool Listeners::passesOn(const net::Address& address) const {
  return std::any_of(gone_.begin(), gone_.end(), [&](const auto& version) {
    return version != nullptr && listensOn(*version->plan, address);
  });
}

void Listeners::tell(std::vector<Change> changes) {
  if (changes.empty()) return;
  for (size_t i = 0; i < workers_; ++i) {
    std::vector<listener::ListenerChange> own;
    for (Change& change : changes) {
      listener::ListenerChange& one = own.emplace_back();
      one.name = change.name;
      one.plan = change.plan;
      if (change.plan == nullptr) continue;
      Entry& entry = entries_.at(change.name);
      if (i == 0) noteAddresses(entry, change.sockets[0]);
      one.sockets = std::move(change.sockets[i]);
      one.balance = entry.balance;
    }
    callbacks_.change(i, std::move(own));
  }
}

// The kernel may have chosen the port.
void Listeners::noteAddresses(Entry& entry, const std::vector<net::Fd>& sockets) {
  const auto& configured = entry.active->plan->addresses;
  std::vector<net::Address> now;
  for (size_t i = 0; i < configured.size(); ++i) {
    const bool kept =
        !sockets[i] && configured[i].address.port() == 0 && i < entry.addresses.size();
    now.push_back(sockets[i] ? net::Address::localOf(sockets[i].get())
                  : kept     ? entry.addresses[i]
                             : configured[i].address);
    if (sockets[i])
      logNamed("config").info("listener '{}' on {}", entry.active->plan->name, now.back().text());
  }
  entry.addresses = std::move(now);
  if (entry.balance != nullptr) return;
  entry.balance = std::make_shared<listener::Balance>(workers_);
  entry.balance->hand_over = callbacks_.hand_over;
}

// One of them may be who called.
void Listeners::discard(std::vector<std::unique_ptr<Version>> versions) {
  struct Gone final : net::Deferred {
    std::vector<std::unique_ptr<Version>> versions;
  };
  if (versions.empty()) return;
  auto* gone = new Gone;
  gone->versions = std::move(versions);
  parts_.routes.loop.destroyLater(gone);
}

bool Listeners::allWarm() const {
  return answered() && std::all_of(entries_.begin(), entries_.end(), [](const auto& each) {
           return each.second.active != nullptr && each.second.active->warm();
         });
}

uint16_t Listeners::firstPort() const {
  const auto portOf = [](const Entry& entry) {
    uint16_t port = 0;
    for (const net::Address& address : entry.addresses) port = port != 0 ? port : address.port();
    return port;
  };
  const auto first = entries_.find(first_);
  uint16_t port = first == entries_.end() ? uint16_t{0} : portOf(first->second);
  for (const auto& [name, entry] : entries_) port = port != 0 ? port : portOf(entry);
  return port;
}

void Listeners::count() {
  size_t active = 0, warming = 0;
  for (const auto& [name, entry] : entries_) {
    active += entry.active != nullptr ? 1 : 0;
    warming += entry.warming != nullptr ? 1 : 0;
  }
  active_.set(active);
  warming_.set(warming);
}

}  // namespace weir::live
