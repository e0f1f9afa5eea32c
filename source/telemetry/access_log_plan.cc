#include "source/telemetry/access_log_plan.h"

#include <google/protobuf/struct.pb.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/config/core/v3/substitution_format_string.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "xds/type/v3/typed_struct.pb.h"

namespace weir::telemetry {
namespace {

namespace core = envoy::config::core::v3;
using envoy::extensions::access_loggers::file::v3::FileAccessLog;
using envoy::extensions::access_loggers::stream::v3::StderrAccessLog;
using envoy::extensions::access_loggers::stream::v3::StdoutAccessLog;
using google::protobuf::Struct;

JsonTemplate templateOf(const google::protobuf::Value& value);

JsonTemplate templateOf(const Struct& object) {
  JsonTemplate made;
  made.kind = JsonTemplate::Kind::Object;
  for (const auto& [key, value] : object.fields()) {
    made.keys.push_back(key);
    made.items.push_back(templateOf(value));
  }
  return made;
}

JsonTemplate templateOf(const google::protobuf::Value& value) {
  using google::protobuf::Value;
  JsonTemplate made;
  switch (value.kind_case()) {
    case Value::kStructValue:
      return templateOf(value.struct_value());
    case Value::kListValue:
      made.kind = JsonTemplate::Kind::List;
      for (const auto& item : value.list_value().values()) made.items.push_back(templateOf(item));
      break;
    case Value::kStringValue:
      made.kind = JsonTemplate::Kind::Text;
      made.text = value.string_value();
      break;
    case Value::kNumberValue:
      made.kind = JsonTemplate::Kind::Number;
      made.number = value.number_value();
      break;
    case Value::kBoolValue:
      made.kind = JsonTemplate::Kind::Bool;
      made.boolean = value.bool_value();
      break;
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return made;
}

// What all ways to write a format come to: collects errors under the field they belong to.
class Compiler {
 public:
  Compiler(std::string field, std::vector<Error>& errors)
      : field_(std::move(field)), errors_(errors) {}

  std::optional<CompiledFormat> text(const char* name, const std::string& format, bool omit_empty) {
    return keep(name, AccessLogFormat::compile(format, omit_empty), &CompiledFormat::text);
  }
  std::optional<CompiledFormat> json(const char* name, const Struct& format, bool omit_empty) {
    return keep(name, AccessLogJson::compile(templateOf(format), omit_empty),
                &CompiledFormat::json);
  }
  std::nullopt_t refuse(const char* name, std::string why) {
    errors_.push_back({field_ + name, std::move(why)});
    return std::nullopt;
  }

 private:
  template <typename T>
  std::optional<CompiledFormat> keep(const char* name, Result<T> format,
                                     std::optional<T> CompiledFormat::*where) {
    if (!format) {
      const std::string& inner = format.error().field;
      errors_.push_back({field_ + name + (inner.empty() ? "" : ".") + inner, format.error().text});
      return std::nullopt;
    }
    CompiledFormat made;
    made.*where = *std::move(format);
    return made;
  }

  std::string field_;
  std::vector<Error>& errors_;
};

// A DataSource is read once, here.
Result<std::string> contentOf(const core::DataSource& source) {
  switch (source.specifier_case()) {
    case core::DataSource::kInlineString:
      return source.inline_string();
    case core::DataSource::kInlineBytes:
      return source.inline_bytes();
    case core::DataSource::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value == nullptr)
        return Error{"", "no environment variable '" + source.environment_variable() + "'"};
      return std::string(value);
    }
    case core::DataSource::kFilename: {
      std::ifstream file(source.filename(), std::ios::binary);
      if (!file) return Error{"", "cannot read file '" + source.filename() + "'"};
      std::stringstream content;
      content << file.rdbuf();
      return content.str();
    }
    case core::DataSource::SPECIFIER_NOT_SET:
      break;
  }
  return Error{"", "expected a source of text, found none"};
}

std::optional<CompiledFormat> defaultFormat() {
  CompiledFormat made;
  made.text = AccessLogFormat::envoyDefault();
  return made;
}

std::optional<CompiledFormat> formatOf(const FileAccessLog& proto, const std::string& field,
                                       std::vector<Error>& errors) {
  Compiler compiler(field, errors);
  switch (proto.access_log_format_case()) {
    case FileAccessLog::kFormat:
      return proto.format().empty() ? defaultFormat()
                                    : compiler.text(".format", proto.format(), false);
    case FileAccessLog::kJsonFormat:
      return compiler.json(".json_format", proto.json_format(), false);
    case FileAccessLog::kTypedJsonFormat:
      return compiler.json(".typed_json_format", proto.typed_json_format(), false);
    case FileAccessLog::kLogFormat:
      return compileFormat(proto.log_format(), field + ".log_format", errors);
    case FileAccessLog::ACCESS_LOG_FORMAT_NOT_SET:
      break;
  }
  return defaultFormat();
}

template <typename Stream>
std::optional<CompiledFormat> formatOfStream(const Stream& proto, const std::string& field,
                                             std::vector<Error>& errors) {
  if (!proto.has_log_format()) return defaultFormat();
  return compileFormat(proto.log_format(), field + ".log_format", errors);
}

// The name of the type inside an Any, or inside the TypedStruct that the Any holds.
std::string typeNameOf(const google::protobuf::Any& any) {
  std::string url = any.type_url();
  xds::type::v3::TypedStruct typed;
  if (url.ends_with(".TypedStruct") && typed.ParseFromString(any.value())) url = typed.type_url();
  return url.substr(url.rfind('/') + 1);
}

struct Target {
  std::string path;
  std::optional<CompiledFormat> format;
};

// Where one logger writes and how. The path stays empty when it was refused.
Target targetOf(const google::protobuf::Any& config, const std::string& field, PlanBuild& build,
                std::vector<Error>& errors) {
  Target target;
  const auto read = [&](google::protobuf::Message& into) {
    const auto done = build.unpack(config, into);
    if (!done)
      errors.push_back({field + (done.error().field.empty() ? "" : ".") + done.error().field,
                        done.error().text});
    return static_cast<bool>(done);
  };
  const std::string type = typeNameOf(config);
  if (type == FileAccessLog::descriptor()->full_name()) {
    FileAccessLog file;
    if (!read(file)) return target;
    if (file.path().empty()) errors.push_back({field + ".path", "expected a path, found nothing"});
    return {file.path(), formatOf(file, field, errors)};
  }
  if (type == StdoutAccessLog::descriptor()->full_name()) {
    StdoutAccessLog log;
    if (read(log)) target = {"/dev/stdout", formatOfStream(log, field, errors)};
  } else if (type == StderrAccessLog::descriptor()->full_name()) {
    StderrAccessLog log;
    if (read(log)) target = {"/dev/stderr", formatOfStream(log, field, errors)};
  } else {
    errors.push_back({field, type.empty()
                                 ? "expected a typed_config, found none"
                                 : "access logger '" + type +
                                       "' is not implemented; file, stdout, stderr and gRPC are"});
  }
  return target;
}

}  // namespace

void CompiledFormat::append(std::string& line, const StreamInfo& info) const {
  if (text) {
    text->append(line, info);
  } else {
    json->append(line, info);
  }
}

const std::vector<std::string>& CompiledFormat::unsupported() const {
  return text ? text->unsupported() : json->unsupported();
}

std::optional<CompiledFormat> compileFormat(const core::SubstitutionFormatString& proto,
                                            const std::string& field, std::vector<Error>& errors) {
  using Proto = core::SubstitutionFormatString;
  Compiler compiler(field, errors);
  const bool omit = proto.omit_empty_values();
  switch (proto.format_case()) {
    case Proto::kTextFormat:
      return compiler.text(".text_format", proto.text_format(), omit);
    case Proto::kJsonFormat:
      return compiler.json(".json_format", proto.json_format(), omit);
    case Proto::kTextFormatSource: {
      const auto content = contentOf(proto.text_format_source());
      if (!content) return compiler.refuse(".text_format_source", content.error().text);
      return compiler.text(".text_format_source", *content, omit);
    }
    case Proto::FORMAT_NOT_SET:
      break;
  }
  return compiler.refuse("", "expected text_format_source, text_format or json_format, found none");
}

AccessLogPlan AccessLogPlan::from(const Protos& protos, const std::string& field, PlanBuild& build,
                                  LogThread& files, const RuntimeKeys& runtime,
                                  std::vector<Error>& errors, LogSinks* sinks) {
  AccessLogPlan plan;
  for (int i = 0; i < protos.size(); ++i) {
    const auto& proto = protos[i];
    const std::string at = field + "[" + std::to_string(i) + "]";
    Log log;
    if (proto.has_filter())
      log.filter = AccessLogFilter::from(proto.filter(), runtime, at + ".filter", errors);
    if (const std::string type = typeNameOf(proto.typed_config());
        sinks != nullptr && sinks->knows(type)) {
      log.sink = sinks->make(proto.typed_config(), type, at + ".typed_config", build, errors);
      if (log.sink != nullptr) plan.logs_.push_back(std::move(log));
      continue;
    }
    Target target = targetOf(proto.typed_config(), at + ".typed_config", build, errors);
    if (target.path.empty() || !target.format) continue;
    for (const std::string& name : target.format->unsupported()) {
      build.warn(at + ".typed_config", name + " has no value in Weir yet and prints '-'");
    }
    auto file = files.open(target.path);
    if (!file) {
      errors.push_back({at + ".typed_config.path", file.error().text});
      continue;
    }
    log.format = *std::move(target.format);
    log.file = *std::move(file);
    plan.logs_.push_back(std::move(log));
  }
  return plan;
}

void AccessLogPlan::log(const StreamInfo& info, const LogFacts& facts) const {
  for (const Log& log : logs_) {
    if (!log.filter.matches(info, facts)) continue;
    if (log.file == nullptr) {
      log.sink->log(info);
      continue;
    }
    LogFile::Line line(*log.file);
    log.format.append(line.text(), info);
  }
}

}  // namespace weir::telemetry
