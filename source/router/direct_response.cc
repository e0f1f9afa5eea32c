#include "source/router/direct_response.h"

#include <cstdlib>
#include <fstream>

namespace weir::router {
namespace {

namespace core = envoy::config::core::v3;
namespace route = envoy::config::route::v3;

// Reads at most one byte more than the limit: enough to know that there is too much.
std::string readFile(const std::string& name, uint64_t limit, const FieldPath& path,
                     Report& report) {
  std::ifstream file(name, std::ios::binary);
  std::string text(limit + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) report.error(path, "cannot read '" + name + "'");
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

std::string readSource(const core::DataSource& source, uint64_t limit, const FieldPath& path,
                       Report& report) {
  switch (source.specifier_case()) {
    case core::DataSource::kFilename:
      return readFile(source.filename(), limit, path.at("filename"), report);
    case core::DataSource::kInlineBytes:
      return source.inline_bytes();
    case core::DataSource::kInlineString:
      return source.inline_string();
    case core::DataSource::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value != nullptr) return value;
      report.error(path.at("environment_variable"),
                   "'" + source.environment_variable() + "' is not set");
      return {};
    }
    case core::DataSource::SPECIFIER_NOT_SET:
      break;
  }
  report.error(path,
               "one of filename, inline_bytes, inline_string, environment_variable is expected");
  return {};
}

}  // namespace

DirectResponse DirectResponse::from(const route::DirectResponseAction& proto, uint64_t body_limit,
                                    const FieldPath& path, Report& report) {
  DirectResponse made;
  if (proto.status() < 200 || proto.status() > 599) {
    report.error(path.at("status"),
                 std::to_string(proto.status()) + ": a status from 200 to 599 is expected");
  } else {
    made.status = static_cast<uint16_t>(proto.status());
  }
  if (proto.has_body_format()) report.refuse(path.at("body_format"));
  if (!proto.has_body()) return made;
  made.body = readSource(proto.body(), body_limit, path.at("body"), report);
  if (made.body.size() > body_limit) {
    report.error(path.at("body"), "is longer than max_direct_response_body_size_bytes (" +
                                      std::to_string(body_limit) + " bytes)");
  }
  return made;
}

}  // namespace weir::router
