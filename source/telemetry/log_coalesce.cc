// COALESCE({"operators": ["NAME", {"command": "NAME", "param": "X", "max_length": 5}]}): the first
// operator that has a value.
#include <rapidjson/reader.h>

#include "source/telemetry/log_operator.h"

namespace weir::telemetry {
namespace {

struct Item {
  std::string command;
  std::string param;
  bool has_param = false;
  uint32_t max_length = LogOperator::kWhole;
};

// Takes the parser's events. Anything that is not the shape above ends the parse at once, so depth
// is bounded whatever the text.
class ItemReader : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ItemReader> {
 public:
  bool Default() { return fail("an operator is a name or an object with 'command'"); }
  bool StartObject() {
    if (place_ == Place::Outside) return enter(Place::Root);
    if (place_ != Place::List) return Default();
    items_.emplace_back();
    return enter(Place::Item);
  }
  bool StartArray() { return place_ == Place::Root ? enter(Place::List) : Default(); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    key_.assign(text, size);
    if (place_ == Place::Root && key_ != "operators") return fail("the only member is 'operators'");
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (place_ == Place::List) {
      items_.emplace_back().command.assign(text, size);
      return true;
    }
    if (place_ != Place::Item) return Default();
    if (key_ == "command") {
      items_.back().command.assign(text, size);
    } else if (key_ == "param") {
      items_.back().param.assign(text, size);
      items_.back().has_param = true;
    } else {
      return fail("'" + key_ + "' is not a text member of an operator");
    }
    return true;
  }
  bool Uint(unsigned value) {
    if (place_ != Place::Item || key_ != "max_length") return Default();
    items_.back().max_length = value;
    return true;
  }
  bool EndArray(rapidjson::SizeType) { return enter(Place::Root); }
  bool EndObject(rapidjson::SizeType) {
    return enter(place_ == Place::Item ? Place::List : Place::Outside);
  }

  const std::vector<Item>& items() const { return items_; }
  const std::string& error() const { return error_; }

 private:
  enum class Place { Outside, Root, List, Item };

  bool enter(Place place) {
    place_ = place;
    return true;
  }
  bool fail(std::string text) {
    error_ = std::move(text);
    return false;
  }

  Place place_ = Place::Outside;
  std::string key_;
  std::vector<Item> items_;
  std::string error_;
};

}  // namespace

Result<LogArgs> prepareCoalesce(std::string_view json) {
  std::string copy(json);  // parsed in place
  rapidjson::InsituStringStream stream(copy.data());
  rapidjson::Reader reader;
  ItemReader read;
  if (!reader.Parse<rapidjson::kParseInsituFlag>(stream, read)) {
    return Error{"", read.error().empty() ? "the parameter is not JSON" : read.error()};
  }
  if (read.items().empty()) return Error{"", "the parameter needs a non-empty list 'operators'"};
  LogArgs args;
  for (const Item& item : read.items()) {
    if (item.command.empty()) return Error{"", "an operator object needs a 'command'"};
    if (item.command == "COALESCE") return Error{"", "cannot stand inside another COALESCE"};
    auto alternative =
        LogOperator::compile(item.command, item.param, item.has_param, item.max_length);
    if (!alternative) return alternative.error();
    args.alternatives.push_back(*std::move(alternative));
  }
  return args;
}

LogValue firstAlternative(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  for (const LogOperator& alternative : args.alternatives) {
    const LogValue found = alternative.value(info, scratch);
    if (found.kind == LogValue::Kind::Number || !found.text.empty()) return found;
  }
  return LogValue::none();
}

}  // namespace weir::telemetry
