#include "source/admin/config_dump.h"

#include "envoy/admin/v3/config_dump.pb.h"
#include "source/admin/field_mask.h"
#include "source/admin/handlers.h"
#include "source/admin/json.h"
#include "source/admin/redact.h"

namespace weir::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What of the sections is shown, checked before the first byte of the answer leaves.
struct Selection {
  const DumpSection* section = nullptr;       // with `resource`
  const FieldDescriptor* resource = nullptr;  // a repeated field of `section`; null: all sections
  bool include_endpoints = false;
  FieldMask mask{""};
};

bool isShown(const DumpSection& section, const Selection& selection) {
  if (section.only_on_request && !selection.include_endpoints) return false;
  return selection.mask.empty() || selection.mask.fits(section.type());
}

void addWhole(const DumpSection& section, const DumpInput& input, const Selection& selection,
              envoy::admin::v3::ConfigDump& to) {
  const auto dump = section.make(input);
  selection.mask.trim(*dump);
  redact(*dump);
  to.add_configs()->PackFrom(*dump);
}

void addElements(const DumpInput& input, const Selection& selection,
                 envoy::admin::v3::ConfigDump& to) {
  const auto dump = selection.section->make(input);
  const auto& access = *dump->GetReflection();
  for (int i = 0; i < access.FieldSize(*dump, selection.resource); ++i) {
    Message& element = *access.MutableRepeatedMessage(dump.get(), selection.resource, i);
    selection.mask.trim(element);
    redact(element);
    to.add_configs()->PackFrom(element);
  }
}

// Nothing, or the refusal.
std::optional<Response> choose(const std::string& resource, Selection& selection) {
  for (const DumpSection& section : dumpSections()) {
    const FieldDescriptor* field = section.type().GetDescriptor()->FindFieldByName(resource);
    if (field == nullptr || field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      return refused(400, resource + " is not a repeated field. Use ?mask=" + resource +
                              " to get only this field\n");
    }
    selection.section = &section;
    selection.resource = field;
    return std::nullopt;
  }
  return refused(404, resource + " not found in config dump\n");
}

std::optional<Response> readMask(const std::string& text, Selection& selection) {
  selection.mask = FieldMask(text);
  if (selection.mask.empty() || selection.resource != nullptr) return std::nullopt;
  for (const DumpSection& section : dumpSections()) {
    if (isShown(section, selection)) return std::nullopt;
  }
  return refused(400, "FieldMask " + text + " could not be successfully applied to any configs.\n");
}

}  // namespace

Response configDump(const Request& request, AdminSource& source) {
  DumpInput input{source.bootstrap(), source.clusters(), source.configuredAt(), nullptr,
                  source.dynamic()};
  const std::string pattern(request.get("name_regex"));
  if (!pattern.empty()) {
    input.name = std::make_shared<const RE2>(pattern, RE2::Quiet);
    if (!input.name->ok()) {
      return refused(400, "Error while parsing name_regex from " + pattern + ": " +
                              input.name->error() + "\n");
    }
  }
  Selection selection;
  selection.include_endpoints = request.has("include_eds");
  const std::string resource(request.get("resource"));
  if (!resource.empty()) {
    if (auto refusal = choose(resource, selection)) return *std::move(refusal);
  }
  if (auto refusal = readMask(std::string(request.get("mask")), selection)) {
    return *std::move(refusal);
  }
  Response response{.content_type = kJson};
  response.page = [input = std::move(input), selection = std::move(selection)](const Sink& sink) {
    envoy::admin::v3::ConfigDump dump;
    if (selection.resource != nullptr) {
      addElements(input, selection, dump);
    } else {
      for (const DumpSection& section : dumpSections()) {
        if (isShown(section, selection)) addWhole(section, input, selection, dump);
      }
    }
    sink(toJson(dump));
  };
  return response;
}

}  // namespace weir::admin
