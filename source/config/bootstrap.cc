#include "source/config/bootstrap.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/field_walk.h"
#include "source/config/proto_reader.h"
#include "source/config/tree_locator.h"

namespace weir::config {
namespace {

namespace pb = google::protobuf;

constexpr const char* kYamlSource = "--config-yaml";

enum class Format : uint8_t { Yaml, Json, Binary, Text };

Format formatOf(std::string_view path) {
  std::string suffix(path.substr(std::min(path.rfind('.'), path.size())));
  for (char& c : suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (suffix == ".json") return Format::Json;
  if (suffix == ".pb") return Format::Binary;
  if (suffix == ".pb_text") return Format::Text;
  return Format::Yaml;
}

// At most one byte more than the limit, so that a pipe without end is refused too.
std::optional<std::string> readFile(const BootstrapSource& source, Report& report) {
  const auto refuse = [&](std::string why) {
    report.add(Severity::Error, {source.path, 0, 0}, "", std::move(why));
    return std::nullopt;
  };
  errno = 0;
  std::ifstream file(source.path, std::ios::binary);
  if (!file) return refuse(std::string("cannot be opened: ") + std::strerror(errno));
  std::string text(source.limits.bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return refuse(std::string("cannot be read: ") + std::strerror(errno));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > source.limits.bytes) {
    return refuse("has more than the " + std::to_string(source.limits.bytes) + " bytes allowed");
  }
  return text;
}

class TextErrors final : public pb::io::ErrorCollector {
 public:
  TextErrors(const std::string& source, Report& report) : source_(source), report_(report) {}

  // pb::io::ErrorCollector; lines and columns count from 0, line -1 is none
  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    add(Severity::Error, line, column, message);
  }
  void AddWarning(int line, pb::io::ColumnNumber column, const std::string& message) override {
    add(Severity::Warning, line, column, message);
  }

 private:
  void add(Severity severity, int line, int column, const std::string& message) {
    report_.add(severity,
                {source_, static_cast<uint32_t>(line + 1), static_cast<uint32_t>(column + 1)}, "",
                message);
  }

  const std::string& source_;
  Report& report_;
};

void readTextFormat(const BootstrapSource& source, const std::string& text, pb::Message& out,
                    Report& report) {
  TextErrors errors(source.path, report);
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(static_cast<int>(source.limits.depth));
  parser.AllowUnknownField(source.allow_unknown_fields);
  const size_t before = report.errors();
  if (!parser.ParseFromString(text, &out) && report.errors() == before) {
    report.add(Severity::Error, {source.path, 0, 0}, "", "not protobuf text format");
  }
}

void readBinary(const BootstrapSource& source, const std::string& bytes, pb::Message& out,
                Report& report) {
  if (!out.ParseFromString(bytes)) {
    report.add(Severity::Error, {source.path, 0, 0}, "",
               "the bytes are not a " + out.GetDescriptor()->full_name());
    return;
  }
  reportUnknownFields(out, Where(report), source.allow_unknown_fields);
}

}  // namespace

bool loadBootstrap(const BootstrapSource& source, google::protobuf::Message& bootstrap,
                   Report& report) {
  const size_t before = report.errors();
  if (source.path.empty() && source.yaml.empty()) {
    report.error("", "no configuration: name a file with -c or give text with --config-yaml");
    return false;
  }
  std::vector<std::shared_ptr<const Tree>> trees;
  const auto locate = [&](std::string without_lines = "") {
    report.locateWith(std::make_shared<TreeLocator>(trees, std::move(without_lines)),
                      {source.path, kYamlSource});
  };
  const auto readTree = [&](std::shared_ptr<const Tree> tree) {
    if (tree == nullptr) return;
    if (tree->root().kind == Node::Kind::Null) {
      report.add(Severity::Warning, {tree->source(), 0, 0}, "", "the document is empty");
    }
    // Each text is read on its own, as protobuf's merge wants it, and as the oneof check wants it.
    const std::unique_ptr<pb::Message> part(bootstrap.New());
    readProto(*tree, *part, report, {source.allow_unknown_fields});
    bootstrap.MergeFrom(*part);
    trees.push_back(std::move(tree));
  };

  locate();
  const Format format = formatOf(source.path);
  const auto text = source.path.empty() ? std::nullopt : readFile(source, report);
  if (text && format == Format::Yaml) {
    readTree(parseYaml(source.path, *text, report, source.limits));
  } else if (text && format == Format::Json) {
    readTree(parseJson(source.path, *text, report, source.limits));
  } else if (text) {
    locate(source.path);
    if (format == Format::Binary) readBinary(source, *text, bootstrap, report);
    if (format == Format::Text) readTextFormat(source, *text, bootstrap, report);
  }
  if (!source.yaml.empty()) {
    readTree(parseYaml(kYamlSource, source.yaml, report, source.limits));
  }
  locate(format == Format::Binary || format == Format::Text ? source.path : "");
  return report.errors() == before;
}

}  // namespace weir::config
