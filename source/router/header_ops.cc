#include "source/router/header_ops.h"

#include "weir/string_matcher.h"

namespace weir::router {
namespace {

namespace core = envoy::config::core::v3;

bool isModifiable(std::string_view name) {
  return !name.starts_with(':') && !equalsIgnoreCase(name, "host");
}

}  // namespace

HeaderOps HeaderOps::from(const Adds& adds, std::string_view add, const Removes& removes,
                          std::string_view remove, const FieldPath& parent, Report& report) {
  HeaderOps made;
  for (int i = 0; i < adds.size(); ++i) {
    const core::HeaderValueOption& option = adds[i];
    const FieldPath path = parent.at(add, i);
    const std::string& key = option.header().key();
    if (!isModifiable(key)) {
      report.error(path.at("header").at("key"),
                   "'" + key +
                       "' may not be modified here: use prefix_rewrite, regex_rewrite or "
                       "the host_rewrite fields of the route action");
      continue;
    }
    auto name = HeaderName::parse(key);
    if (!name) {
      report.error(path.at("header").at("key"), name.error().text);
      continue;
    }
    if (option.has_append() &&
        option.append_action() != core::HeaderValueOption::APPEND_IF_EXISTS_OR_ADD) {
      report.error(path, "append and append_action are both set: only append_action is needed");
    }
    const bool raw = option.header().value().empty();
    const std::string& text = raw ? option.header().raw_value() : option.header().value();
    auto value = HeaderValue::parse(text);
    if (!value) {
      report.error(path.at("header").at(raw ? "raw_value" : "value"), value.error().text);
      continue;
    }
    for (const std::string& operation : value->unsupported()) {
      report.warn(path.at("header").at("value"),
                  operation + " is not yet honoured and prints nothing");
    }
    auto action = static_cast<Action>(option.append_action());
    if (option.has_append()) action = option.append().value() ? Action::Append : Action::Overwrite;
    made.adds_.push_back({*std::move(name), *std::move(value), action, option.keep_empty_value()});
  }
  for (int i = 0; i < removes.size(); ++i) {
    auto name = HeaderName::parse(removes[i]);
    if (!isModifiable(removes[i])) {
      report.error(parent.at(remove, i), "'" + removes[i] + "' may not be removed");
    } else if (!name) {
      report.error(parent.at(remove, i), name.error().text);
    } else {
      made.removes_.push_back(*std::move(name));
    }
  }
  return made;
}

void HeaderOps::apply(Fields& fields, const StreamInfo& info, Arena& arena) const {
  for (const HeaderName& name : removes_) fields.remove(name);
  if (adds_.empty()) return;
  // Every format sees the message as it was received, so nothing is changed before all are filled.
  struct Value {
    std::string_view text;
    bool write;
  };
  auto* values = static_cast<Value*>(arena.allocate(adds_.size() * sizeof(Value), alignof(Value)));
  for (size_t i = 0; i < adds_.size(); ++i) {
    const Add& add = adds_[i];
    const std::string_view text = add.value.render(info, arena);
    bool write = !text.empty() || add.keep_empty;
    if (add.action == Action::AddIfAbsent) write = write && !fields.has(add.name);
    if (add.action == Action::OverwriteIfPresent) write = write && fields.has(add.name);
    values[i] = {text, write};
  }
  for (size_t i = 0; i < adds_.size(); ++i) {
    if (values[i].write && adds_[i].action >= Action::Overwrite) {
      fields.setView(adds_[i].name, values[i].text);
    }
  }
  for (size_t i = 0; i < adds_.size(); ++i) {
    if (values[i].write && adds_[i].action < Action::Overwrite) {
      fields.addView(adds_[i].name, values[i].text);
    }
  }
}

}  // namespace weir::router
