// Metadata is facts by namespace and key: what filters leave for each other while a request runs
// (Stream::setMetadata), or what a configuration says of a route, a virtual host or a cluster. The
// access log reads it (%METADATA(ROUTE:ns:key)%). Any thread may read what a configuration says;
// what filters leave belongs to the stream's worker.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir {

class Metadata {
 public:
  // Text stands as it is; Json is a number, a boolean, a list or an object.
  enum class Found : uint8_t { Nothing, Text, Json };

  // Appends what stands below `space` and then each of `keys` in turn; without keys, the whole
  // namespace as one object, ordered by key.
  virtual Found append(std::string& to, std::string_view space,
                       std::span<const std::string> keys) const = 0;

 protected:
  ~Metadata() = default;
};

}  // namespace weir
