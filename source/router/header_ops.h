// HeaderOps are the fields one level of a configuration adds to and removes from a message, in
// Envoy's order: removals first, then every value is computed, then fields are replaced, then
// added. Built once; read by every worker.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <google/protobuf/repeated_ptr_field.h>

#include "envoy/config/core/v3/base.pb.h"
#include "source/router/field_path.h"
#include "source/router/header_value.h"
#include "weir/fields.h"
#include "weir/stream_info.h"

namespace weir::router {

class HeaderOps {
 public:
  using Adds = google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>;
  using Removes = google::protobuf::RepeatedPtrField<std::string>;

  // `parent` is the message that holds the two fields; their names are `add` and `remove`.
  static HeaderOps from(const Adds& adds, std::string_view add, const Removes& removes,
                        std::string_view remove, const FieldPath& parent, Report& report);

  bool empty() const { return adds_.empty() && removes_.empty(); }
  void apply(Fields& fields, const StreamInfo& info, Arena& arena) const;

 private:
  enum class Action : uint8_t { Append, AddIfAbsent, Overwrite, OverwriteIfPresent };
  struct Add {
    HeaderName name;
    HeaderValue value;
    Action action;
    bool keep_empty;
  };

  std::vector<Add> adds_;
  std::vector<HeaderName> removes_;
};

// The two directions of one level.
struct HeaderLevel {
  HeaderOps request;
  HeaderOps response;

  template <typename Proto>
  static HeaderLevel from(const Proto& proto, const FieldPath& path, Report& report) {
    return {HeaderOps::from(proto.request_headers_to_add(), "request_headers_to_add",
                            proto.request_headers_to_remove(), "request_headers_to_remove", path,
                            report),
            HeaderOps::from(proto.response_headers_to_add(), "response_headers_to_add",
                            proto.response_headers_to_remove(), "response_headers_to_remove", path,
                            report)};
  }
};

}  // namespace weir::router
