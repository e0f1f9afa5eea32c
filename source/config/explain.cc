#include "source/config/explain.h"

#include <algorithm>
#include <utility>

#include "source/config/field_walk.h"

namespace weir::config {
namespace {

namespace pb = google::protobuf;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string boolName(bool value) { return value ? "true" : "false"; }

// The values of an enum or boolean field, bare or in a BoolValue; other fields have none to
// compare.
std::vector<std::string> valuesOf(const pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_ENUM: {
      std::vector<std::string> names;
      if (!field.is_repeated()) return {reflection.GetEnum(message, &field)->name()};
      for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
        names.push_back(reflection.GetRepeatedEnum(message, &field, i)->name());
      }
      return names;
    }
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      if (field.is_repeated()) return {};
      return {boolName(reflection.GetBool(message, &field))};
    case pb::FieldDescriptor::CPPTYPE_MESSAGE: {
      if (field.is_repeated() ||
          field.message_type()->well_known_type() != pb::Descriptor::WELLKNOWNTYPE_BOOLVALUE) {
        return {};
      }
      const pb::Message& wrapper = reflection.GetMessage(message, &field);
      return {boolName(wrapper.GetReflection()->GetBool(
          wrapper, wrapper.GetDescriptor()->FindFieldByName("value")))};
    }
    default:
      return {};
  }
}

class IgnoredFields final : public FieldVisitor {
 public:
  IgnoredFields(const HonouredFields& table, std::vector<Ignored>& found)
      : table_(table), found_(found) {}

  bool message(const pb::Message& message, const Where& at) override {
    const pb::Descriptor& type = *message.GetDescriptor();
    if (table_.knows(type)) return true;
    found_.push_back({at.path(), type.full_name(), true, type.full_name() + " is not supported"});
    return false;
  }

  bool field(const pb::Message& message, const pb::FieldDescriptor& field,
             const Where& at) override {
    const HonouredFields::Rule* rule = table_.find(field);
    if (rule == nullptr) {
      found_.push_back({at.path(), field.full_name(), true,
                        "not supported, and not ignored because it may decide who may pass, where "
                        "traffic goes or how it is protected"});
      return false;
    }
    if (!rule->obeyed) {
      found_.push_back({at.path(), field.full_name(), false, "not supported, ignored"});
      return false;
    }
    if (rule->checked) return false;
    if (rule->values.empty()) return true;
    for (const std::string& value : valuesOf(message, field)) {
      if (std::find(rule->values.begin(), rule->values.end(), value) != rule->values.end()) {
        continue;
      }
      found_.push_back({at.path(), field.full_name(), true,
                        value + " is not supported, only " + joined(rule->values)});
    }
    return true;
  }

  void closedAny(const std::string& type, const Where& at) override {
    found_.push_back(
        {at.path(), type, true, "an extension of type '" + type + "' is not supported"});
  }

 private:
  const HonouredFields& table_;
  std::vector<Ignored>& found_;
};

}  // namespace

std::vector<Ignored> listIgnored(const google::protobuf::Message& message,
                                 const HonouredFields& table) {
  std::vector<Ignored> found;
  IgnoredFields visitor(table, found);
  Report paths_only;
  walkFields(message, Where(paths_only), visitor);
  return found;
}

void reportIgnored(const google::protobuf::Message& message, const Where& at,
                   const HonouredFields& table) {
  const std::string above = at.path();
  for (Ignored& ignored : listIgnored(message, table)) {
    std::string path = above;
    if (!path.empty() && !ignored.path.empty() && ignored.path[0] != '[') path += '.';
    path += ignored.path;
    if (ignored.decides) {
      at.report().error(path, std::move(ignored.text));
    } else {
      at.report().warning(path, std::move(ignored.text));
    }
  }
}

}  // namespace weir::config
