// Any bytes as what Consul says of keys, or as a key's value. Byte 0 is as which.
#include "source/consul/key_values.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

using namespace consul;

void readOne(const KeyValue& from, const KeyPlace& place) {
  const auto resource = readResource(from, place);
  if (!resource) return require(!resource.error().text.empty(), "says why");
  require((*resource)->name == place.name, "has the key's name");
  require(xds::nameOf((*resource)->body) == place.name, "says it, too");
  require((*resource)->version == std::to_string(from.index), "has the key's index");
}

void run(std::string_view bytes, uint8_t as) {
  const auto& [folder, type] = kFolders[as % kFolders.size()];
  if ((as & 4) != 0) return readOne({"weir/x", std::string(bytes), 7}, {type, "x"});
  const auto keys = readKeys(bytes);
  if (!keys) return require(!keys.error().text.empty(), "says why");
  require(keys->size() <= kMostKeys, "no more than may be");
  for (const KeyValue& each : *keys) {
    require(!each.key.empty(), "has a key");
    const auto place = placeOf(each.key);
    if (!place) continue;
    require(!place->name.empty() && each.key.ends_with(place->name), "is named as in the key");
    readOne(each, *place);
  }
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  return 0;
}
