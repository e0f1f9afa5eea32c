// Rewrites change the path and the host of a request on its way to the cluster, or of a redirect's
// target. Built once from a route's action; read by every worker. Results live in the arena.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/router/field_path.h"
#include "source/router/header_value.h"
#include "weir/head.h"
#include "weir/string_matcher.h"

namespace weir::router {

// A regular expression and what each of its matches becomes ("\1" is the first capture).
class RegexRewrite {
 public:
  // Null after an error was reported.
  static std::unique_ptr<const RegexRewrite> from(
      const envoy::type::matcher::v3::RegexMatchAndSubstitute& proto, const FieldPath& path,
      Report& report);
  std::string replaceAll(std::string_view text) const;

 private:
  std::shared_ptr<const re2::RE2> regex_;
  std::string substitution_;
};

// At most one of three ways to a new path: another prefix, an expression's matches replaced, or a
// format with access-log operators. All leave the query as it is.
class PathRewrite {
 public:
  // For RouteAction and RedirectAction: both have prefix_rewrite and regex_rewrite.
  template <typename Proto>
  static PathRewrite from(const Proto& proto, const FieldPath& path, Report& report);

  bool empty() const { return prefix_.empty() && regex_ == nullptr && !format_; }
  // `matched` is how many bytes of the path the route's rule covers (PathRule::matchedSize).
  // nullopt: the path stays.
  std::optional<std::string_view> apply(std::string_view path, size_t matched,
                                        const StreamInfo& info, Arena& arena) const;

 private:
  std::string prefix_;
  std::unique_ptr<const RegexRewrite> regex_;
  std::optional<HeaderValue> format_;
};

class HostRewrite {
 public:
  static HostRewrite from(const envoy::config::route::v3::RouteAction& proto, const FieldPath& path,
                          Report& report);

  bool empty() const { return kind_ == Kind::None; }
  // The new host, or empty when the request keeps its own.
  std::string_view apply(const RequestHead& head, const StreamInfo& info, Arena& arena) const;

 private:
  enum class Kind : uint8_t { None, Literal, Header, PathRegex, Format };

  Kind kind_ = Kind::None;
  std::string literal_;
  std::optional<HeaderName> header_;
  std::unique_ptr<const RegexRewrite> path_regex_;
  std::optional<HeaderValue> format_;
};

// Sets the authority. `note_forwarded` appends the old one to x-forwarded-host, `note_original`
// keeps it in x-envoy-original-host.
void replaceAuthority(RequestHead& head, std::string_view host, bool note_forwarded,
                      bool note_original, Arena& arena);

}  // namespace weir::router
