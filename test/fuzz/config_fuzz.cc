// Bytes as a YAML and as a JSON bootstrap: must be read or refused within bounded time and memory,
// every problem inside the text, and what is read must survive its own walk and serialization.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/explain.h"
#include "source/config/proto_reader.h"
#include "source/config/tree.h"
#include "source/config/tree_locator.h"
#include "weir/report.h"

namespace {

using weir::Report;
using weir::config::Tree;

constexpr size_t kMaxInput = 64 * 1024;

void check(bool holds) {
  if (!holds) std::abort();
}

void readTree(const std::shared_ptr<const Tree>& tree, Report& report) {
  check((tree == nullptr) == !report.ok());
  if (tree == nullptr) return;
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  const bool read = weir::config::readProto(*tree, bootstrap, report);
  check(read == report.ok());
  report.locateWith(
      std::make_shared<weir::config::TreeLocator>(std::vector<std::shared_ptr<const Tree>>{tree}));
  weir::config::reportIgnored(bootstrap, weir::Where(report));
  envoy::config::bootstrap::v3::Bootstrap copy;
  check(!read || copy.ParseFromString(bootstrap.SerializeAsString()));
}

void checkPlaces(const Report& report, std::string_view text) {
  uint32_t lines = 2;  // an end of file may be reported on the line after the last
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  for (const weir::Problem& problem : report.sorted()) {
    check(!problem.text.empty());
    check(problem.place.line <= lines);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Report yaml_report;
  readTree(weir::config::parseYaml("fuzz.yaml", text, yaml_report), yaml_report);
  checkPlaces(yaml_report, text);
  Report json_report;
  readTree(weir::config::parseJson("fuzz.json", text, json_report), json_report);
  checkPlaces(json_report, text);
  return 0;
}
