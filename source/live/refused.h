// From resources to messages, and from what is wrong with them to words for a control plane.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>

#include "source/xds/resource.h"
#include "weir/report.h"

namespace weir::live {

// Nothing: parsed. Fields that are not supported, and may not be ignored, are reasons, too.
std::optional<std::string> parse(const xds::Resource& resource, google::protobuf::Message& into);

// The errors of a report in one line, the first few.
std::string wordsOf(const Report& report);

}  // namespace weir::live
