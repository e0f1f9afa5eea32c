#include "source/server/filter_chain_builder.h"

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/stream/listener_plan_build.h"

namespace weir::server {
namespace {

using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;
using listener::ChainCriteria;
using listener::ChainIndex;
using listener::FilterChainPlan;

class ChainBuilder {
 public:
  ChainBuilder(const FilterChain& proto, const listener::ListenerPlan& owner, const Where& at,
               const stream::BuildContext& context)
      : proto_(proto), owner_(owner), at_(at), context_(context) {}

  listener::FilterChainPtr build() {
    plan_.name = proto_.name();
    readTransport();
    const int count = proto_.filters_size();
    if (count == 0) {
      at_.field("filters").error(
          "expected at least one network filter, such as envoy.filters.network.tcp_proxy");
    }
    for (int i = 0; i < count; ++i) {
      readFilter(proto_.filters(i), at_.field("filters").index(static_cast<size_t>(i)),
                 i == count - 1);
    }
    return std::make_shared<const FilterChainPlan>(std::move(plan_));
  }

 private:
  // The one place that reads a chain's transport_socket.
  void readTransport() {
    if (proto_.has_transport_socket_connect_timeout()) {
      const auto& timeout = proto_.transport_socket_connect_timeout();
      plan_.transport_timeout =
          std::chrono::milliseconds(timeout.seconds() * 1000 + timeout.nanos() / 1'000'000);
    }
    if (!proto_.has_transport_socket()) return;
    const auto& socket = proto_.transport_socket();
    const Where here = at_.field("transport_socket");
    const std::string type = context_.type_of(socket.typed_config());
    if (type == "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer") return;
    transport::DownstreamTlsProto tls;
    if (type != tls.GetDescriptor()->full_name()) {
      return here.error(
          "the transport socket " + (type.empty() ? "'" + socket.name() + "'" : type) +
          " is not supported, only raw_buffer and " + tls.GetDescriptor()->full_name());
    }
    const Where config = here.field("typed_config");
    if (!context_.unpack(socket.typed_config(), tls, config)) return;
    const StatScope scope =
        context_.stats.scope("listener").tagged(owner_.stat_name, "envoy_listener_address");
    plan_.tls = transport::TlsServer::plan(
        tls, {context_.secrets, scope, "listener '" + owner_.name + "'"}, config);
  }

  void readFilter(const envoy::config::listener::v3::Filter& proto, const Where& at, bool last) {
    const google::protobuf::Any& any = proto.typed_config();
    const Where config = at.field("typed_config");
    const std::string type = context_.type_of(any);
    stream::HttpConnectionManager hcm;
    envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy relay;
    const bool is_hcm = type == hcm.GetDescriptor()->full_name();
    const bool is_tcp = type == relay.GetDescriptor()->full_name();
    const NetworkFilterType* filter = context_.registry.findNetworkByConfig(type);
    if (!is_hcm && !is_tcp && filter == nullptr) {
      return config.error(type.empty() ? "expected the filter's configuration, with its @type"
                                       : "no network filter is configured by '" + type + "'");
    }
    const bool terminal = is_hcm || is_tcp || filter->terminal;
    if (terminal != last) {
      return at.error(last ? "the last filter must serve the connection, as "
                             "envoy.filters.network.http_connection_manager and "
                             "envoy.filters.network.tcp_proxy do"
                           : "it serves the connection, so it must be the last filter");
    }
    if (is_hcm) {
      if (!context_.unpack(any, hcm, config)) return;
      const auto plan = stream::buildHcm(hcm, config, context_);
      if (plan != nullptr) plan_.hcm = std::make_shared<stream::Hcm>(plan, context_.workers);
    } else if (is_tcp) {
      if (context_.unpack(any, relay, config))
        plan_.tcp = tcp::TcpProxyPlan::from(relay, config, context_);
    } else {
      addFilter(*filter, any, config);
    }
  }

  void addFilter(const NetworkFilterType& type, const google::protobuf::Any& any, const Where& at) {
    stream::ListenerPlanBuild build(context_, at, context_.stats);
    auto plan = type.plan(any, build);
    if (!plan) return build.tell(plan.error());
    plan_.filters.push_back({&type, *std::move(plan)});
  }

  const FilterChain& proto_;
  const listener::ListenerPlan& owner_;
  const Where at_;
  const stream::BuildContext& context_;
  FilterChainPlan plan_;
};

// Puts a chain's criteria into the index; false when it could not be told from another.
void indexChain(const ChainCriteria& criteria, const FilterChain& proto, const Listener& listener,
                const Where& at, listener::ListenerPlan& plan) {
  const auto chain = static_cast<uint32_t>(plan.chains.size());
  if (ChainIndex::combinations(criteria) > ChainIndex::kMaxCombinations) {
    return at.field("filter_chain_match")
        .error("more than a million combinations; make several chains of it");
  }
  const uint32_t same = plan.index.add(criteria, chain);
  if (same == ChainIndex::kNone) return;
  std::string other = "filter_chains[" + std::to_string(same) + "]";
  const std::string& name = listener.filter_chains(static_cast<int>(same)).name();
  if (!name.empty()) other += " ('" + name + "')";
  (proto.has_filter_chain_match() ? at.field("filter_chain_match") : at)
      .error("matches connections that " + other +
             " matches with the same criteria; nobody could say which of the two takes them");
}

}  // namespace

bool buildFilterChains(const Listener& proto, const Where& at, const stream::BuildContext& context,
                       const KnownChains& known, listener::ListenerPlan& plan) {
  const auto chainOf = [&](const FilterChain& chain, const Where& here) {
    const auto found = known.empty() ? known.end() : known.find(chain.SerializeAsString());
    return found != known.end() ? found->second : ChainBuilder(chain, plan, here, context).build();
  };
  if (proto.filter_chains().empty() && !proto.has_default_filter_chain()) {
    at.field("filter_chains").error("expected at least one filter chain");
  }
  bool needs_hello = false;
  for (int i = 0; i < proto.filter_chains_size(); ++i) {
    const FilterChain& chain = proto.filter_chains(i);
    const Where here = at.field("filter_chains").index(static_cast<size_t>(i));
    const auto criteria =
        ChainCriteria::from(chain.filter_chain_match(), here.field("filter_chain_match"));
    needs_hello |= criteria.needsClientHello();
    indexChain(criteria, chain, proto, here, plan);
    plan.chains.push_back(chainOf(chain, here));
  }
  plan.only_chain = proto.filter_chains_size() == 1 &&
                    proto.filter_chains(0).filter_chain_match().ByteSizeLong() == 0;
  if (proto.has_default_filter_chain()) {
    const Where here = at.field("default_filter_chain");
    if (proto.default_filter_chain().has_filter_chain_match()) {
      here.field("filter_chain_match").warning("the default chain takes what no other one takes");
    }
    plan.default_chain = chainOf(proto.default_filter_chain(), here);
  }
  return needs_hello;
}

}  // namespace weir::server
