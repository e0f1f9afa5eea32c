// A ScopeKeyBuilder makes the key of a request's scope from its header fields, as `scoped_routes`
// say; appendFragment() makes the keys of the scopes themselves. Keys are opaque: two are equal
// where all their fragments are, in order. Immutable; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/route/v3/scoped_route.pb.h"
#include "weir/head.h"
#include "weir/report.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class ScopedRoutes_ScopeKeyBuilder;
class ScopedRoutes_ScopeKeyBuilder_FragmentBuilder_HeaderValueExtractor;
}  // namespace envoy::extensions::filters::network::http_connection_manager::v3

namespace weir::stream {

class ScopeKeyBuilder {
 public:
  using Proto = envoy::extensions::filters::network::http_connection_manager::v3::
      ScopedRoutes_ScopeKeyBuilder;

  // What is wrong is reported; then it must not be used.
  static ScopeKeyBuilder from(const Proto& proto, const Where& at);

  // Nothing: the request lacks a field or an element that the key is made of.
  std::optional<std::string> keyOf(const RequestHead& head) const;

 private:
  using Extractor = envoy::extensions::filters::network::http_connection_manager::v3::
      ScopedRoutes_ScopeKeyBuilder_FragmentBuilder_HeaderValueExtractor;

  // One fragment: a value of a header field, or one of its elements.
  struct Part {
    static Part from(const Extractor& proto, const Where& at);
    std::optional<std::string_view> of(const RequestHead& head) const;
    std::optional<std::string_view> elementOf(std::string_view value) const;

    std::optional<HeaderName> field;  // nothing: the authority
    std::string between;              // two elements; empty: the value is the only one
    uint32_t index = 0;
    std::string separator, key;  // `key` stands before `separator` in the element; empty: by index
  };

  std::vector<Part> parts_;
};

// Nothing, and reported: a scope without a key.
std::optional<std::string> readScopeKey(
    const envoy::config::route::v3::ScopedRouteConfiguration::Key& proto, const Where& at);

}  // namespace weir::stream
