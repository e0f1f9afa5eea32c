// The sections of /config_dump: the configuration that runs, a section a kind, each an
// envoy.admin.v3.…ConfigDump. Made from the bootstrap, so secrets are still in them: redact()
// before showing. Any thread.
#pragma once

#include <google/protobuf/message.h>
#include <re2/re2.h>

#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "source/admin/admin_source.h"

namespace weir::admin {

// What a dump is made from: immutable, or guarded by itself.
struct DumpInput {
  BootstrapPtr bootstrap;
  ClusterTable clusters;
  std::chrono::system_clock::time_point configured_at;
  std::shared_ptr<const RE2> name;  // of what is dumped; null: all
  DynamicViews dynamic{};

  bool wants(std::string_view text) const {
    return name == nullptr || RE2::PartialMatch(text, *name);
  }
};

struct DumpSection {
  // An empty message of the section's type: what may be asked for is known before anything is made.
  const google::protobuf::Message& (*type)();
  std::unique_ptr<google::protobuf::Message> (*make)(const DumpInput& input);
  bool only_on_request;  // include_eds
};

// In the order of the page.
std::span<const DumpSection> dumpSections();

}  // namespace weir::admin
