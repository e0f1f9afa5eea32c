#include "source/consul/key_values.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <memory>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/service/runtime/v3/rtds.pb.h"
#include "source/config/proto_reader.h"
#include "source/config/scalars.h"
#include "source/config/tree_locator.h"
#include "source/consul/json_members.h"

namespace weir::consul {
namespace {

namespace pb = google::protobuf;
using envoy::service::runtime::v3::Runtime;
using xds::ResourceType;

// Null: reported.
std::shared_ptr<const config::Tree> parse(const KeyValue& from, Report& report) {
  // YAML allows much of what is JSON, but no tabs; and what is wrong with JSON it says less well.
  constexpr std::string_view kBlank = " \t\r\n";
  const std::string_view text = from.value;
  const size_t brace = text.find_first_not_of(kBlank);
  const size_t next = brace == text.npos ? brace : text.find_first_not_of(kBlank, brace + 1);
  const bool json =
      next != text.npos && text[brace] == '{' && (text[next] == '"' || text[next] == '}');
  auto tree =
      json ? config::parseJson(from.key, text, report) : config::parseYaml(from.key, text, report);
  if (tree == nullptr) return nullptr;
  report.locateWith(
      std::make_shared<config::TreeLocator>(std::vector<std::shared_ptr<const config::Tree>>{tree}),
      {from.key});
  if (tree->root().kind != config::Node::Kind::Null) return tree;
  report.add(Severity::Error, {from.key, 0, 0}, "", "expected a document, found nothing");
  return nullptr;
}

std::unique_ptr<pb::Message> messageOf(ResourceType type) {
  switch (type) {
    case ResourceType::Cluster:
      return std::make_unique<envoy::config::cluster::v3::Cluster>();
    case ResourceType::Listener:
      return std::make_unique<envoy::config::listener::v3::Listener>();
    case ResourceType::Routes:
      return std::make_unique<envoy::config::route::v3::RouteConfiguration>();
    default:
      return std::make_unique<Runtime>();
  }
}

void nameAfter(const KeyPlace& place, pb::Message& message, Report& report) {
  const pb::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName("name");
  const pb::Reflection* reflection = message.GetReflection();
  const std::string name = reflection->GetString(message, field);
  if (name.empty()) return reflection->SetString(&message, field, std::string(place.name));
  if (name == place.name) return;
  report.error("name", "expected '" + std::string(place.name) + "', as in the key, found '" + name +
                           "': remove it, or rename the key");
}

void read(const KeyValue& from, const KeyPlace& place, pb::Message& message, Report& report) {
  const auto tree = parse(from, report);
  if (tree == nullptr) return;
  const bool values = place.type == ResourceType::Runtime;
  config::readProto(*tree, values ? *static_cast<Runtime&>(message).mutable_layer() : message,
                    report);
  nameAfter(place, message, report);
}

std::string wordsOf(const Report& report) {
  constexpr size_t kMost = 3;
  std::string words;
  size_t said = 0;
  for (const Problem& problem : report.sorted()) {
    if (problem.severity != Severity::Error) continue;
    if (said++ == kMost) break;
    words += (words.empty() ? "" : "; ") + problem.line();
  }
  if (report.errors() > kMost) words += "; " + std::to_string(report.errors()) + " errors in all";
  return words;
}

// Equal messages get equal bytes, so that a comment that changes is no news.
std::string bytesOf(const pb::Message& message) {
  std::string bytes;
  {
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&out);
  }
  return bytes;
}

KeyValue readKey(const json::Members& item) {
  KeyValue read{std::string(item.text("Key")), {}, item.index("ModifyIndex")};
  if (read.key.empty()) item.at().field("Key").error("expected a key");
  auto value = config::readBase64(item.text("Value"));
  if (!value) item.at().field("Value").error("expected base64");
  read.value = std::move(value).value_or("");
  return read;
}

}  // namespace

Result<std::vector<KeyValue>> readKeys(std::string_view json) {
  rapidjson::Document document;
  if (auto wrong = json::parse(json, document)) return Error{"", *std::move(wrong)};
  if (!document.IsArray()) {
    return Error{"", "expected a list of keys, found " + std::string(json::kindOf(document))};
  }
  if (document.Size() > kMostKeys) {
    return Error{"", "expected at most " + std::to_string(kMostKeys) + " keys, found " +
                         std::to_string(document.Size())};
  }
  Report report;
  std::vector<KeyValue> keys;
  for (const json::Value& value : document.GetArray()) {
    const Where at = Where(report).index(keys.size());
    if (!value.IsObject()) {
      at.error("expected an object, found " + std::string(json::kindOf(value)));
      break;
    }
    keys.push_back(readKey(json::Members(value, at)));
  }
  if (report.ok()) return keys;
  const Problem first = report.sorted().front();
  return Error{first.path, first.text};
}

std::optional<KeyPlace> placeOf(std::string_view below) {
  const size_t slash = below.find('/');
  if (slash == below.npos || slash + 1 == below.size()) return std::nullopt;
  for (const auto& [folder, type] : kFolders) {
    if (folder == below.substr(0, slash)) return KeyPlace{type, below.substr(slash + 1)};
  }
  return std::nullopt;
}

Result<xds::ResourcePtr> readResource(const KeyValue& from, const KeyPlace& place) {
  Report report;
  const auto message = messageOf(place.type);
  read(from, place, *message, report);
  if (!report.ok()) return Error{"", wordsOf(report)};
  auto resource = std::make_shared<xds::Resource>();
  resource->name = place.name;
  resource->version = std::to_string(from.index);
  resource->body.set_type_url(std::string(xds::factsOf(place.type).url));
  resource->body.set_value(bytesOf(*message));
  return xds::ResourcePtr(std::move(resource));
}

}  // namespace weir::consul
