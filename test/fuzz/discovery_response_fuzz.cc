// Any bytes as what a control plane says: messages of the state of the world or of deltas, cut from
// the input, to watches of every type whose users read what they are given as the server would.
// Every message that can be read is answered exactly once, whatever is in it.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/cluster/cluster_plan.h"
#include "source/config/explain.h"
#include "source/live/refused.h"
#include "source/router/route_table.h"
#include "source/telemetry/stat_store.h"
#include "source/transport/tls/tls_plan.h"
#include "source/xds/grpc_source.h"
#include "test/fuzz/pieces.h"

namespace weir::xds {
namespace {

using fuzz::require;

struct StillClock final : net::Clock {
  net::SteadyTime at{std::chrono::hours(1000)};
  net::SteadyTime now() override { return at; }
};

struct Routes final : router::RouteBuild {
  uint32_t clusterSlot(std::string_view) override { return 0; }
  void error(std::string, std::string) override { bad = true; }
  void warn(std::string, std::string) override {}
  bool validatesClusters() const override { return false; }
  bool bad = false;
};

// Nothing: it could be used; else why not.
std::optional<std::string> use(ResourceType type, const Resource& resource) {
  Report report;
  if (type == ResourceType::Cluster) {
    envoy::config::cluster::v3::Cluster proto;
    if (auto why = live::parse(resource, proto)) return why;
    cluster::planCluster(proto, Where(report));
  } else if (type == ResourceType::Endpoints) {
    envoy::config::endpoint::v3::ClusterLoadAssignment proto;
    if (auto why = live::parse(resource, proto)) return why;
    cluster::ClusterPlan plan;
    plan.eds.name = "a";
    if (const auto assignment = cluster::planAssignment(proto, plan, Where(report))) {
      cluster::makeEndpoints(assignment->endpoints, {}, assignment->rules);
    }
  } else if (type == ResourceType::Routes) {
    envoy::config::route::v3::RouteConfiguration proto;
    if (auto why = live::parse(resource, proto)) return why;
    Routes build;
    router::RouteTable::from(proto, build);
    if (build.bad) return "bad routes";
  } else if (type == ResourceType::Secret) {
    transport::Secret proto;
    if (auto why = live::parse(resource, proto)) return why;
  } else {
    envoy::config::listener::v3::Listener proto;
    if (auto why = live::parse(resource, proto)) return why;
    config::reportIgnored(proto, Where(report));
  }
  if (report.ok()) return std::nullopt;
  return live::wordsOf(report);
}

class User final : public Watcher {
 public:
  explicit User(ResourceType type) : type_(type) {}
  void onUpdate(const Update& update, std::vector<Refusal>& refusals) override {
    for (const ResourcePtr& resource : update.resources) {
      require(!resource->name.empty(), "a resource has a name");
      if (auto why = use(type_, *resource)) {
        require(!why->empty(), "a refusal has a reason");
        refusals.push_back({resource->name, *std::move(why)});
      }
    }
  }
  void onFetchTimeout() override {}

 private:
  const ResourceType type_;
};

// The control plane's side: it counts.
struct Line final : rpc::MessageStream {
  Line(rpc::MessageStreamUser*& user, size_t& sent, rpc::MessageStreamUser& of)
      : user(user), sent(sent) {
    user = &of;
  }
  ~Line() override { user = nullptr; }
  void start() override {}
  void send(const google::protobuf::Message&) override { ++sent; }
  bool congested() const override { return false; }
  void finish() override {}
  rpc::MessageStreamUser*& user;
  size_t& sent;
};

class Talk {
 public:
  explicit Talk(bool delta) {
    GrpcSource::Settings settings;
    settings.delta = delta;
    settings.random = [] { return uint64_t{0}; };
    settings.scope = StatScope(stats_).scope("control_plane");
    source_.emplace(loop_, std::move(settings),
                    [this](std::string_view, rpc::MessageStreamUser& user) {
                      return std::make_unique<Line>(user_, sent_, user);
                    });
    watch(ResourceType::Cluster, Watch::Kind::All);
    watch(ResourceType::Listener, Watch::Kind::All);
    for (const ResourceType type : {ResourceType::Endpoints, ResourceType::Routes,
                                    ResourceType::Secret, ResourceType::Runtime}) {
      watch(type, Watch::Kind::Name);
    }
    pass(std::chrono::milliseconds(20));
  }

  void say(std::string_view bytes, bool readable) {
    if (user_ == nullptr) pass(std::chrono::minutes(1));  // the next stream
    const size_t before = sent_;
    {
      const net::Loop::Turn turn(loop_);
      user_->onMessage(bytes);
    }
    if (user_ == nullptr) return require(!readable, "only what cannot be read ends the stream");
    pass(std::chrono::seconds(11));  // a refusal may have been put off
    require(!readable || sent_ == before + 1, "each response is answered once");
  }

 private:
  void watch(ResourceType type, Watch::Kind kind) {
    const net::Loop::Turn turn(loop_);
    users_.push_back(std::make_unique<User>(type));
    watches_.push_back(
        Watch::make(source_->of(type), loop_,
                    {kind, kind == Watch::Kind::Name ? "a" : "", std::chrono::milliseconds(0), {}},
                    *users_.back()));
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    const net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }

  StillClock clock_;
  net::Loop loop_{&clock_};
  StatStore stats_;
  rpc::MessageStreamUser* user_ = nullptr;
  size_t sent_ = 0;
  std::optional<GrpcSource> source_;
  std::vector<std::unique_ptr<User>> users_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

template <typename Message>
bool isResponse(std::string_view bytes) {
  Message message;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
         findType(message.type_url()) != nullptr;
}

}  // namespace
}  // namespace weir::xds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::xds;
  namespace pb = envoy::service::discovery::v3;
  if (size < 1) return 0;
  const bool delta = (data[0] & 1) != 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Talk talk(delta);
  // Two bytes of length before each message.
  for (int i = 0; i < 8 && rest.size() >= 2; ++i) {
    const auto byte = [&](size_t at) {
      return static_cast<size_t>(static_cast<uint8_t>(rest[at]));
    };
    const size_t length = std::min(byte(0) << 8 | byte(1), rest.size() - 2);
    const std::string_view message = rest.substr(2, length);
    rest.remove_prefix(2 + length);
    talk.say(message, delta ? isResponse<pb::DeltaDiscoveryResponse>(message)
                            : isResponse<pb::DiscoveryResponse>(message));
  }
  return 0;
}
