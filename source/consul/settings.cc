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
