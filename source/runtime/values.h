// The values of one layer of the runtime, by key, and how they are read: from a Struct (of the
// bootstrap, of a control plane) or from text (of a file, of the admin interface). Values; any
// thread.
#pragma once

#include <google/protobuf/struct.pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "weir/result.h"
#include "weir/runtime.h"

namespace weir::runtime {

// One value, as each kind of reader sees it.
struct Value {
  std::string text;                // for people
  std::optional<uint64_t> number;  // rounded down
  std::optional<bool> flag;
  std::optional<Fraction> fraction;
  bool operator==(const Value&) const = default;
};

using Values = std::map<std::string, Value, std::less<>>;

// {"a": {"b": 1}} is a.b = 1; {"numerator": 1, "denominator": "MILLION"} is one value. The error's
// field is the key that cannot be used.
Result<Values> valuesOf(const google::protobuf::Struct& from);

// A number, true or false, a FractionalPercent in YAML or JSON, else only text.
Value valueOf(std::string_view text);

}  // namespace weir::runtime
