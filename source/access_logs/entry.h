// An EntryPlan makes of a StreamInfo what an access log service is told: all that Weir knows, and
// the fields and tags that a log's configuration asks for. Immutable, shared by all workers.
#pragma once

#include <string>
#include <vector>

#include "envoy/data/accesslog/v3/accesslog.pb.h"
#include "source/access_logs/custom_tags.h"

namespace weir::access_logs {

struct EntryPlan {
  using Http = envoy::data::accesslog::v3::HTTPAccessLogEntry;
  using Tcp = envoy::data::accesslog::v3::TCPAccessLogEntry;

  struct Header {
    std::string name;  // lower case
    telemetry::HeaderRef ref;
  };

  // The entry is empty before.
  void fill(const StreamInfo& info, Http& entry) const;
  void fill(const StreamInfo& info, Tcp& entry) const;

  std::vector<Header> request_headers, response_headers, response_trailers;
  CustomTags tags;
};

}  // namespace weir::access_logs
