#include "source/access_logs/custom_tags.h"

#include <cstdlib>
#include <utility>

#include "source/access_logs/entry_text.h"

namespace weir::access_logs {

void CustomTags::readMetadata(const Proto::Metadata& proto, const Where& at, Tag& tag) {
  using envoy::type::metadata::v3::MetadataKind;
  switch (proto.kind().kind_case()) {
    case MetadataKind::kRequest:
      tag.metadata = &StreamInfo::dynamic_metadata;
      break;
    case MetadataKind::kRoute:
      tag.metadata = &StreamInfo::route_metadata;
      break;
    case MetadataKind::kCluster:
      tag.metadata = &StreamInfo::cluster_metadata;
      break;
    case MetadataKind::kHost:
      tag.metadata = &StreamInfo::upstream_metadata;
      break;
    case MetadataKind::KIND_NOT_SET:
      at.field("kind").error("expected request, route, cluster or host");
      break;
  }
  tag.space = proto.metadata_key().key();
  if (tag.space.empty()) at.field("metadata_key").field("key").error("expected a namespace");
  for (const auto& segment : proto.metadata_key().path()) tag.keys.push_back(segment.key());
  tag.text = proto.default_value();
}

void CustomTags::readValue(const Proto& proto, const Where& at, Tag& tag) {
  switch (proto.type_case()) {
    case Proto::kLiteral:
      tag.text = proto.literal().value();
      if (tag.text.empty()) at.field("literal").field("value").error("expected a text");
      break;
    case Proto::kEnvironment: {
      const std::string& name = proto.environment().name();
      if (name.empty()) at.field("environment").field("name").error("expected a variable's name");
      const char* value = std::getenv(name.c_str());
      tag.text = value == nullptr ? proto.environment().default_value() : value;
      break;
    }
    case Proto::kRequestHeader: {
      auto header = telemetry::HeaderRef::parse(proto.request_header().name());
      if (!header) {
        return at.field("request_header").field("name").error(std::move(header.error().text));
      }
      tag.header = *std::move(header);
      tag.text = proto.request_header().default_value();
      break;
    }
    case Proto::kMetadata:
      return readMetadata(proto.metadata(), at.field("metadata"), tag);
    case Proto::kValue: {
      auto format = telemetry::AccessLogFormat::compile(proto.value(), true);
      if (!format) return at.field("value").error(std::move(format.error().text));
      tag.format = *std::move(format);
      break;
    }
    case Proto::TYPE_NOT_SET:
      at.error("expected literal, environment, request_header, metadata or value");
      break;
  }
}

CustomTags CustomTags::from(const google::protobuf::RepeatedPtrField<Proto>& protos,
                            const Where& at) {
  CustomTags made;
  for (int i = 0; i < protos.size(); ++i) {
    const Where here = at.index(static_cast<size_t>(i));
    Tag tag;
    tag.name = protos[i].tag();
    if (tag.name.empty()) here.field("tag").error("expected a name");
    readValue(protos[i], here, tag);
    made.tags_.push_back(std::move(tag));
  }
  return made;
}

std::string CustomTags::Tag::value(const StreamInfo& info) const {
  using Source = telemetry::HeaderRef::Source;
  std::string found;
  if (format) {
    format->append(found, info);
  } else if (header.source != Source::Nothing && info.request != nullptr) {
    found = header.of(*info.request);
  } else if (metadata != nullptr && info.*metadata != nullptr) {
    (info.*metadata)->append(found, space, keys);
  }
  return found.empty() ? text : found;
}

void CustomTags::fill(const StreamInfo& info, Texts& into) const {
  for (const Tag& tag : tags_) {
    std::string value = entryText(tag.value(info));
    if (!value.empty()) into[tag.name] = std::move(value);
  }
}

}  // namespace weir::access_logs
