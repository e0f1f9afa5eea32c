// Any text as an access-log format, plain and inside JSON: it compiles or is refused with a reason,
// and what compiles formats a full and an empty request.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "source/telemetry/access_log_json.h"
#include "source/telemetry/sample_stream.h"

using namespace weir;
using namespace weir::telemetry;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void runText(std::string_view text, const StreamInfo& full, const StreamInfo& empty) {
  auto format = AccessLogFormat::compile(text, text.size() % 2 == 0);
  if (!format) return check(!format.error().text.empty());
  std::string line;
  format->append(line, full);
  format->append(line, empty);
}

void runJson(std::string_view text, const StreamInfo& full, const StreamInfo& empty) {
  JsonTemplate member;
  member.kind = JsonTemplate::Kind::Text;
  member.text = text;
  JsonTemplate root;
  root.kind = JsonTemplate::Kind::Object;
  root.keys = {std::string(text.substr(0, 8))};
  root.items = {member};
  auto format = AccessLogJson::compile(root, text.size() % 2 == 1);
  if (!format) return;
  std::string line;
  format->append(line, full);
  check(line.starts_with("{") && line.ends_with("}\n"));
  // Whatever stands in the texts, the line stays one line without control bytes.
  for (char c : std::string_view(line).substr(0, line.size() - 1))
    check(static_cast<uint8_t>(c) >= 0x20);
  format->append(line, empty);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const SampleStream kSample;
  static const StreamInfo kEmpty;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  runText(text, kSample.info, kEmpty);
  runJson(text, kSample.info, kEmpty);
  return 0;
}
