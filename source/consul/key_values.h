// Reads what Consul says of keys, the JSON of /v1/kv/PREFIX?recurse, and what their values say: a
// resource each, as YAML or JSON. Pure; any bytes are safe: nothing recurses deeper than a
// configuration may, memory is in proportion to the text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/xds/resource.h"
#include "weir/result.h"

namespace weir::consul {

struct KeyValue {
  std::string key, value;
  uint64_t index = 0;  // Consul's ModifyIndex, which its check-and-set takes
};

constexpr size_t kMostKeys = 20'000;

// The error's field is a path into the JSON: "[3].Value".
Result<std::vector<KeyValue>> readKeys(std::string_view json);

// Which resource a key holds.
struct KeyPlace {
  xds::ResourceType type;
  std::string_view name;
};
// The first part of a key below the prefix, and of what type the resources there are.
constexpr std::array<std::pair<std::string_view, xds::ResourceType>, 4> kFolders{
    {{"listeners", xds::ResourceType::Listener},
     {"clusters", xds::ResourceType::Cluster},
     {"routes", xds::ResourceType::Routes},
     {"runtime", xds::ResourceType::Runtime}}};
// `below`: of a key, what stands behind the prefix: "clusters/NAME". Nothing: it holds none.
std::optional<KeyPlace> placeOf(std::string_view below);

// A document without a name gets the key's. Of `runtime` the document is the layer's values, not a
// message around them. The error names the key, line and field of the first few mistakes.
Result<xds::ResourcePtr> readResource(const KeyValue& from, const KeyPlace& place);

}  // namespace weir::consul
