// Loads the configuration Weir starts with: a file, a YAML string from the command line, or both.
// Reads files; runs on the main thread before the workers start (and anywhere in --mode validate).
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {

struct BootstrapSource {
  std::string path{};  // -c; its suffix decides: .yaml .yml .json .pb .pb_text, all others YAML
  std::string
      yaml{};  // --config-yaml, merged over the file: singular fields override, lists append
  bool allow_unknown_fields = false;  // --allow-unknown-static-fields: warn instead of refusing
  TextLimits limits{};
};

// Fills `bootstrap` (empty before the call) and answers whether nothing was wrong. The report gets
// every problem, and a locator, so that later checks may report by path; it keeps the parsed texts
// until it is destroyed.
bool loadBootstrap(const BootstrapSource& source, google::protobuf::Message& bootstrap,
                   Report& report);

}  // namespace weir::config
