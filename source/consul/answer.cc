#include "source/consul/answer.h"

#include <arpa/inet.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <unordered_map>

#include "source/consul/json_members.h"

namespace weir::consul {
namespace {

using json::kindOf, json::Members, json::viewOf;
using rapidjson::Value;

std::vector<std::string> readTags(const Members& service) {
  std::vector<std::string> tags;
  const Value* list = service.list("Tags");
  if (list == nullptr) return tags;
  for (const Value& tag : list->GetArray()) {
    if (tag.IsString()) {
      tags.emplace_back(viewOf(tag));
    } else {
      service.at().field("Tags").index(tags.size()).error("expected a string");
      break;
    }
  }
  return tags;
}

std::vector<std::pair<std::string, std::string>> readMeta(const Members& service) {
  std::vector<std::pair<std::string, std::string>> meta;
  const Value* object = service.object("Meta");
  if (object == nullptr) return meta;
  for (const auto& [key, value] : object->GetObject()) {
    if (value.IsString()) {
      meta.emplace_back(viewOf(key), viewOf(value));
    } else {
      service.at().field("Meta").key(viewOf(key)).error("expected a string");
    }
  }
  return meta;
}

// What Weir does not know is no reason to send requests there.
Status statusOf(const Members& check) {
  const std::string_view id = check.text("CheckID");
  const std::string_view status = check.text("Status");
  if (status == "passing") return Status::Passing;
  if (status == "warning") return Status::Warning;
  const bool maintenance = id == "_node_maintenance" || id.starts_with("_service_maintenance");
  return maintenance || status == "maintenance" ? Status::Maintenance : Status::Critical;
}

Status worstOf(const Members& entry) {
  Status worst = Status::Passing;
  const Value* checks = entry.list("Checks");
  if (checks == nullptr) return worst;
  size_t index = 0;
  for (const Value& check : checks->GetArray()) {
    const Where at = entry.at().field("Checks").index(index++);
    if (!check.IsObject()) {
      at.error("expected an object");
      break;
    }
    worst = std::max(worst, statusOf(Members(check, at)));
  }
  return worst;
}

struct HostPort {
  std::string_view address;
  uint32_t port = 0;
};

// Of the service: an object of addresses with ports; of the node: of texts.
HostPort taggedPlace(const Members& node, const Members& service, std::string_view tag,
                     uint32_t port) {
  if (const Value* tagged = service.object("TaggedAddresses")) {
    const Members addresses = service.below(*tagged, "TaggedAddresses");
    if (const Value* own = addresses.object(tag)) {
      const Members place = addresses.below(*own, tag);
      return {place.text("Address"), place.number("Port", 65'535, port)};
    }
  }
  const Value* tagged = node.object("TaggedAddresses");
  if (tagged == nullptr) return {{}, port};
  return {node.below(*tagged, "TaggedAddresses").text(tag), port};
}

HostPort placeOf(const Members& node, const Members& service, const ReadOptions& options) {
  const uint32_t port = service.number("Port", 65'535);
  if (options.address == ReadOptions::From::Tagged) {
    return taggedPlace(node, service, options.tag, port);
  }
  const std::string_view own = service.text("Address");
  const bool nodes = options.address == ReadOptions::From::Node || own.empty();
  return {nodes ? node.text("Address") : own, port};
}

bool canBeReached(const net::Address& address) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    const uint32_t ip = ntohl(v4->sin_addr.s_addr);
    return ip != INADDR_ANY && !IN_MULTICAST(ip) && ip != INADDR_BROADCAST;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
  return !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) && !IN6_IS_ADDR_MULTICAST(&v6->sin6_addr);
}

class Reader {
 public:
  explicit Reader(const ReadOptions& options) : options_(options) {}

  Result<Answer> read(std::string_view json) {
    rapidjson::Document document;
    if (auto wrong = json::parse(json, document)) return Error{"", *std::move(wrong)};
    const Where at(report_);
    if (document.IsObject()) {
      readEntries(Members(document, at).list("Nodes"), at.field("Nodes"));
    } else if (document.IsArray() || document.IsNull()) {
      readEntries(document.IsArray() ? &document : nullptr, at);
    } else {
      at.error("expected a list of instances, found " + std::string(kindOf(document)));
    }
    if (report_.ok()) return std::move(answer_);
    const Problem first = report_.sorted().front();
    return Error{first.path, first.text};
  }

 private:
  void readEntries(const Value* list, const Where& at) {
    if (list == nullptr) return;
    if (list->Size() > kMostInstances) {
      return at.error("expected at most " + std::to_string(kMostInstances) + " instances, found " +
                      std::to_string(list->Size()));
    }
    for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
      if ((*list)[i].IsObject()) {
        readEntry(Members((*list)[i], at.index(i)));
      } else {
        at.index(i).error("expected an object, found " + std::string(kindOf((*list)[i])));
      }
    }
  }

  void readEntry(const Members& entry) {
    const Value* node_object = entry.object("Node");
    const Value* service_object = entry.object("Service");
    if (node_object == nullptr || service_object == nullptr) {
      return entry.at().error("expected an object with Node and Service");
    }
    const Members node = entry.below(*node_object, "Node");
    const Members service = entry.below(*service_object, "Service");
    Instance instance;
    instance.status = worstOf(entry);
    if (options_.passing_only && instance.status != Status::Passing) return;
    instance.id = service.text("ID");
    instance.node = node.text("Node");
    instance.datacenter = node.text("Datacenter");
    instance.tags = readTags(service);
    instance.meta = readMeta(service);
    if (const Value* weights = service.object("Weights")) {
      const Members both = service.below(*weights, "Weights");
      instance.weight_passing = both.number("Passing", 65'535, 1);
      instance.weight_warning = both.number("Warning", 65'535, 1);
    }
    keep(std::move(instance), placeOf(node, service, options_));
  }

  void keep(Instance instance, const HostPort& place) {
    if (place.address.empty()) return drop(LeftOut::NoAddress, instance, place);
    auto address = net::Address::ip(place.address, static_cast<uint16_t>(place.port));
    if (!address || !canBeReached(*address)) return drop(LeftOut::NoIpAddress, instance, place);
    if (place.port == 0) return drop(LeftOut::NoPort, instance, place);
    instance.address = *std::move(address);
    const auto [found, is_new] =
        by_address_.emplace(instance.address.text(), answer_.instances.size());
    if (is_new) return answer_.instances.push_back(std::move(instance));
    Instance& other = answer_.instances[found->second];
    const auto rank = [](const Instance& each) {
      return std::tie(each.status, each.id, each.node);
    };
    if (rank(instance) < rank(other)) std::swap(instance, other);
    drop(LeftOut::Duplicate, instance, place);
  }

  void drop(LeftOut why, const Instance& instance, const HostPort& place) {
    answer_.dropped.push_back({why, instance.id, std::string(place.address)});
  }

  const ReadOptions& options_;
  Report report_;
  Answer answer_;
  std::unordered_map<std::string, size_t> by_address_;
};

}  // namespace

Result<Answer> readAnswer(std::string_view json, const ReadOptions& options) {
  return Reader(options).read(json);
}

uint64_t hashOf(const std::vector<Instance>& instances) {
  uint64_t sum = 0;
  std::string all;
  const auto add = [&all](std::string_view text) {
    all += std::to_string(text.size());
    all += ':';
    all += text;
  };
  for (const Instance& each : instances) {
    all.clear();
    for (const std::string_view text : {std::string_view(each.id), std::string_view(each.node),
                                        std::string_view(each.datacenter)}) {
      add(text);
    }
    add(each.address.text());
    for (const std::string& tag : each.tags) add(tag);
    all += '|';
    for (const auto& [key, value] : each.meta) {
      add(key);
      add(value);
    }
    for (const uint32_t number :
         {each.weight_passing, each.weight_warning, static_cast<uint32_t>(each.status)}) {
      add(std::to_string(number));
    }
    sum += std::hash<std::string_view>()(all);
  }
  return sum;
}

}  // namespace weir::consul
