// CustomTags are envoy.type.tracing.v3.CustomTag, checked: texts under names, which each entry of a
// log carries. Immutable once read, shared by all workers.
#pragma once

#include <google/protobuf/map.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "envoy/type/tracing/v3/custom_tag.pb.h"
#include "source/telemetry/access_log_format.h"
#include "weir/report.h"

namespace weir::access_logs {

class CustomTags {
 public:
  using Proto = envoy::type::tracing::v3::CustomTag;
  using Texts = google::protobuf::Map<std::string, std::string>;

  // `at` is the list's place.
  static CustomTags from(const google::protobuf::RepeatedPtrField<Proto>& protos, const Where& at);

  // A tag without a value is left out.
  void fill(const StreamInfo& info, Texts& into) const;

 private:
  struct Tag {
    std::string name;
    std::string text;  // the value, or what stands for one that is not there
    telemetry::HeaderRef header;
    const Metadata* StreamInfo::*metadata = nullptr;
    std::string space;
    std::vector<std::string> keys;
    std::optional<telemetry::AccessLogFormat> format;

    std::string value(const StreamInfo& info) const;
  };

  static void readMetadata(const Proto::Metadata& proto, const Where& at, Tag& tag);
  static void readValue(const Proto& proto, const Where& at, Tag& tag);

  std::vector<Tag> tags_;
};

}  // namespace weir::access_logs
