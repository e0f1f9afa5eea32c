#include "source/consul/settings.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "weir/fields.h"

namespace weir::consul {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

milliseconds readSpan(const google::protobuf::Duration& proto, seconds least, seconds most,
                      const Where& at) {
  if (proto.seconds() < least.count() || proto.seconds() > most.count() || proto.nanos() < 0) {
    at.error("expected a duration from " + std::to_string(least.count()) + "s to " +
             std::to_string(most.count()) + "s");
    return least;
  }
  return seconds(proto.seconds()) + milliseconds(proto.nanos() / 1'000'000);
}

bool hasEmpty(const google::protobuf::RepeatedPtrField<std::string>& texts, const Where& at) {
  for (int i = 0; i < texts.size(); ++i) {
    if (!texts[i].empty()) continue;
    at.index(static_cast<size_t>(i)).error("expected a text that is not empty");
    return true;
  }
  return false;
}

void readDatacenters(const v1::ConsulCluster& proto, ServiceSettings& settings, const Where& at) {
  settings.datacenters.push_back(proto.datacenter());
  const Where list = at.field("failover_datacenters");
  if (hasEmpty(proto.failover_datacenters(), list)) return;
  for (int i = 0; i < proto.failover_datacenters_size(); ++i) {
    const std::string& each = proto.failover_datacenters(i);
    auto& all = settings.datacenters;
    if (std::find(all.begin(), all.end(), each) != all.end()) {
      list.index(static_cast<size_t>(i)).error("'" + each + "' is asked already");
    }
    all.push_back(each);
  }
}

// A prepared query says these itself.
void refuseBesideQuery(const v1::ConsulCluster& proto, const Where& at) {
  const auto refuse = [&](bool set, std::string_view field) {
    if (set) at.field(field).error("a prepared query says this in its own definition: remove it");
  };
  refuse(proto.tags_size() != 0, "tags");
  refuse(!proto.filter().empty(), "filter");
  refuse(proto.failover_datacenters_size() != 0, "failover_datacenters");
}

constexpr std::string_view kService = "%SERVICE%", kDatacenter = "%DATACENTER%";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string readClusterName(const std::string& name, const std::string& datacenter,
                            const Where& at) {
  if (name.empty()) return std::string(kService);
  if (name.find(kService) == name.npos) {
    at.error("expected %SERVICE% in it, or all clusters would have one name");
  } else if (replaced(replaced(name, kService, ""), kDatacenter, "").find('%') != name.npos) {
    at.error("expected nothing in percent signs but %SERVICE% and %DATACENTER%");
  } else if (datacenter.empty() && name.find(kDatacenter) != name.npos) {
    at.error("the agent's own datacenter has no name here: say Consul.datacenter as well");
  }
  return replaced(name, kDatacenter, datacenter);
}

void refuseWhatIsTheCatalogs(const v1::Catalog& proto, const Where& at) {
  const auto refuse = [&](bool set, std::string_view field) {
    if (set) at.field("cluster").field(field).error("the catalog says this itself: remove it");
  };
  refuse(!proto.cluster().name().empty(), "name");
  refuse(proto.cluster().has_type(), "type");
  refuse(proto.cluster().has_cluster_type(), "cluster_type");
  refuse(proto.cluster().has_load_assignment(), "load_assignment");
  refuse(proto.cluster().has_eds_cluster_config(), "eds_cluster_config");
  if (proto.instances().instances_of_case() != v1::ConsulCluster::INSTANCES_OF_NOT_SET) {
    const bool service = proto.instances().has_service();
    at.field("instances")
        .field(service ? "service" : "prepared_query")
        .error("the catalog names each service itself: remove it");
  }
}

// As Consul demands.
void readMeta(const google::protobuf::Map<std::string, std::string>& proto,
              RegistrationSettings& settings, const Where& at) {
  constexpr size_t kMost = 64, kLongestKey = 128, kLongestValue = 512;
  constexpr std::string_view kInKeys =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  settings.meta = {proto.begin(), proto.end()};
  if (settings.meta.size() > kMost) at.error("expected at most 64 entries");
  for (const auto& [key, value] : settings.meta) {
    if (key.empty() || key.size() > kLongestKey || key.find_first_not_of(kInKeys) != key.npos) {
      at.error("'" + key + "': expected a key of 1 to 128 letters, digits, dashes and underscores");
    }
    if (value.size() > kLongestValue) at.error("'" + key + "': expected at most 512 bytes");
  }
}

bool isUrl(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) return text.size() > scheme.size();
  }
  return false;
}

void readCheck(const v1::Registration& proto, bool has_admin, RegistrationSettings& settings,
               const Where& at) {
  switch (proto.check_case()) {
    case v1::Registration::kHttp:
      settings.target = proto.http();
      if (!isUrl(settings.target)) {
        at.field("http").error("expected a URL, such as http://10.0.0.1:9901/ready");
      }
      return;
    case v1::Registration::kGrpc:
      settings.check = RegistrationSettings::Check::Grpc;
      settings.target = proto.grpc();
      if (settings.target.find(':') == std::string::npos) {
        at.field("grpc").error("expected ADDRESS:PORT or ADDRESS:PORT/SERVICE");
      }
      return;
    case v1::Registration::CHECK_NOT_SET:
      if (!has_admin) {
        at.error(
            "there is no admin interface at an IP address that could be checked: give http or "
            "grpc");
      }
      return;
  }
}

}  // namespace

std::optional<AgentSettings> readAgent(const v1::Consul& proto, const Where& at) {
  const size_t before = at.report().errors();
  AgentSettings settings;
  settings.cluster = proto.agent_cluster();
  if (settings.cluster.empty()) {
    at.field("agent_cluster").error("expected the name of the cluster that reaches the agent");
  }
  settings.token = proto.token();
  if (const auto token = readToken(proto.token()); !token) {
    at.field("token").field(token.error().field).error(token.error().text);
  }
  settings.datacenter = proto.datacenter();
  settings.name_space = proto.namespace_();
  settings.partition = proto.partition();
  if (proto.has_wait()) {
    settings.wait = readSpan(proto.wait(), seconds(1), seconds(600), at.field("wait"));
  }
  if (proto.has_poll()) {
    settings.poll = readSpan(proto.poll(), seconds(1), seconds(86'400), at.field("poll"));
  }
  settings.use_cache = proto.use_cache();
  settings.consistency = static_cast<AgentSettings::Consistency>(proto.consistency());
  if (!v1::Consul::Consistency_IsValid(proto.consistency())) {
    at.field("consistency").error("expected DEFAULT, STALE or CONSISTENT");
  }
  if (settings.use_cache && proto.consistency() == v1::Consul::CONSISTENT) {
    at.field("use_cache").error("what is consistent cannot come from a cache: remove one of both");
  }
  if (proto.has_max_queries()) {
    settings.max_queries = proto.max_queries().value();
    if (settings.max_queries == 0 || settings.max_queries > 65'536) {
      at.field("max_queries").error("expected 1 to 65536");
    }
  }
  if (at.report().errors() != before) return std::nullopt;
  return settings;
}

std::optional<ServiceSettings> readService(const v1::ConsulCluster& proto, const Where& at) {
  const size_t before = at.report().errors();
  ServiceSettings settings;
  settings.prepared = proto.instances_of_case() == v1::ConsulCluster::kPreparedQuery;
  settings.name = settings.prepared ? proto.prepared_query() : proto.service();
  if (settings.name.empty()) {
    at.field(settings.prepared ? "prepared_query" : "service")
        .error("expected the name of a service, or of a prepared query");
  }
  if (settings.prepared) refuseBesideQuery(proto, at);
  hasEmpty(proto.tags(), at.field("tags"));
  settings.tags.assign(proto.tags().begin(), proto.tags().end());
  readDatacenters(proto, settings, at);
  settings.near = proto.near();
  settings.filter = proto.filter();
  settings.read.passing_only = !proto.has_passing_only() || proto.passing_only().value();
  if (proto.address_choice_case() == v1::ConsulCluster::kTaggedAddress) {
    settings.read.address = ReadOptions::From::Tagged;
    settings.read.tag = proto.tagged_address();
    if (settings.read.tag.empty()) {
      at.field("tagged_address").error("expected the address's name, such as lan");
    }
  } else if (proto.address() == v1::ConsulCluster::NODE) {
    settings.read.address = ReadOptions::From::Node;
  }
  if (at.report().errors() != before) return std::nullopt;
  return settings;
}

std::optional<CatalogSettings> readCatalog(const v1::Catalog& proto, const AgentSettings& agent,
                                           const Where& at) {
  const size_t before = at.report().errors();
  CatalogSettings settings;
  settings.enable_tag = proto.enable_tag();
  settings.datacenter =
      proto.instances().datacenter().empty() ? agent.datacenter : proto.instances().datacenter();
  settings.cluster_name =
      readClusterName(proto.cluster_name(), settings.datacenter, at.field("cluster_name"));
  settings.at_once = proto.creation() == v1::Catalog::AT_ONCE;
  if (!v1::Catalog::Creation_IsValid(proto.creation())) {
    at.field("creation").error("expected AT_FIRST_USE or AT_ONCE");
  }
  refuseWhatIsTheCatalogs(proto, at);
  settings.cluster = proto.cluster();
  settings.instances = proto.instances();
  v1::ConsulCluster any = proto.instances();
  any.set_service("any");
  readService(any, at.field("instances"));
  settings.route_config_name = proto.route_config_name();
  if (at.report().errors() != before) return std::nullopt;
  return settings;
}

std::string CatalogSettings::clusterOf(std::string_view service) const {
  return replaced(cluster_name, kService, service);
}

std::optional<RegistrationSettings> readRegistration(const v1::Registration& proto,
                                                     const std::string& node_id, bool has_admin,
                                                     const Where& at) {
  const size_t before = at.report().errors();
  RegistrationSettings settings;
  settings.name = proto.name().empty() ? "weir" : proto.name();
  settings.id = proto.id().empty() ? settings.name + "-" + node_id : proto.id();
  if (proto.id().empty() && node_id.empty()) {
    at.field("id").error("it has to be unique at the agent: give it, or node.id");
  }
  hasEmpty(proto.tags(), at.field("tags"));
  settings.tags.assign(proto.tags().begin(), proto.tags().end());
  readMeta(proto.meta(), settings, at.field("meta"));
  settings.address = proto.address();
  settings.port = static_cast<uint16_t>(proto.port());
  if (proto.port() > UINT16_MAX) at.field("port").error("expected 1 to 65535");
  readCheck(proto, has_admin, settings, at);
  if (proto.has_interval()) {
    settings.interval =
        readSpan(proto.interval(), seconds(1), seconds(86'400), at.field("interval"));
  }
  if (proto.has_deregister_critical_after()) {
    settings.forgotten_after = readSpan(proto.deregister_critical_after(), seconds(60),
                                        seconds(31'536'000), at.field("deregister_critical_after"));
  }
  if (at.report().errors() != before) return std::nullopt;
  return settings;
}

Result<std::string> readToken(const envoy::config::core::v3::DataSource& source) {
  using envoy::config::core::v3::DataSource;
  const char* field = "inline_string";
  std::string text;
  if (source.specifier_case() == DataSource::kEnvironmentVariable) {
    field = "environment_variable";
    const char* value = std::getenv(source.environment_variable().c_str());
    if (value == nullptr) return Error{field, "'" + source.environment_variable() + "' is not set"};
    text = value;
  } else if (source.specifier_case() == DataSource::kFilename) {
    field = "filename";
    std::ifstream file(source.filename(), std::ios::binary);
    std::ostringstream all;
    if (file) all << file.rdbuf();
    if (!file) return Error{field, "cannot read '" + source.filename() + "'"};
    text = std::move(all).str();
  } else {
    text = source.specifier_case() == DataSource::kInlineBytes ? source.inline_bytes()
                                                               : source.inline_string();
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty() && source.specifier_case() != DataSource::SPECIFIER_NOT_SET) {
    return Error{field, "there is no token in it"};
  }
  if (!isFieldValue(text)) return Error{field, "a token is one line of visible characters"};
  return text;
}

}  // namespace weir::consul
