// A RouteMatch is the condition of one route: a path rule, and further conditions that are only
// looked at when the path holds. Built once from an envoy.config.route.v3.RouteMatch; immutable, so
// every worker may use it at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/router/field_path.h"
#include "source/router/path_index.h"
#include "weir/header_matcher.h"
#include "weir/percentage.h"
#include "weir/string_matcher.h"

namespace weir::router {

// What a route is looked up with. `random` is drawn once a request: the same number decides runtime
// fractions and weighted clusters.
struct Query {
  const RequestHead& head;
  uint64_t random = 0;
  bool is_tls = false;  // of the downstream connection
  bool certificate_presented = false;
  bool certificate_validated = false;
};

// The first condition of a candidate that did not hold.
enum class Rejection : uint8_t {
  None,
  Path,
  RuntimeFraction,
  Grpc,
  Header,
  QueryParameter,
  Cookie,
  TlsContext,
};
std::string_view rejectionName(Rejection rejection);

// The path without query and fragment: what routes look at.
std::string_view withoutQuery(std::string_view path);
// Each segment without its ";parameters" (RFC 3986 §3.3). `buffer` holds the result if it is used.
std::string_view withoutParameters(std::string_view path, std::string& buffer);

class PathRule {
 public:
  enum class Kind : uint8_t { Prefix, Exact, Regex, SeparatedPrefix, Connect };

  static PathRule from(const envoy::config::route::v3::RouteMatch& proto, const FieldPath& path,
                       Report& report);

  // Puts the rule where the index can find it; false: it has no place there (Connect).
  bool addTo(PathIndex& index, uint32_t order) const;
  // Whether the rule holds for a path under which the index listed it: what the index proved
  // already, the literal text, is not compared again.
  bool holdsRest(std::string_view path, Method method) const;
  // How many leading bytes of `path` (with query) a prefix rewrite replaces.
  size_t matchedSize(std::string_view path) const;

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }

 private:
  Kind kind_ = Kind::Prefix;
  bool case_sensitive_ = true;
  std::string text_;
  std::shared_ptr<const re2::RE2> regex_;
};

// The conditions other than the path.
class Conditions {
 public:
  // Null when there are none.
  static std::unique_ptr<const Conditions> from(const envoy::config::route::v3::RouteMatch& proto,
                                                const FieldPath& path, Report& report);
  Rejection check(const Query& query) const;

 private:
  struct QueryParameter {
    std::string name;
    std::optional<StringMatcher> value;
    bool want_present = true;
    bool matches(std::string_view path) const;
  };
  struct Cookie {
    std::string name;
    StringMatcher value;
    bool invert;
    bool matches(const Fields& fields) const;
  };
  void readFraction(const envoy::config::route::v3::RouteMatch& proto, const FieldPath& path,
                    Report& report);
  void readQuery(const envoy::config::route::v3::RouteMatch& proto, const FieldPath& path,
                 Report& report);
  void readCookies(const envoy::config::route::v3::RouteMatch& proto, const FieldPath& path,
                   Report& report);

  std::optional<RuntimePercentage> fraction_;
  bool grpc_ = false;
  std::vector<HeaderMatcher> headers_;
  std::vector<QueryParameter> query_;
  std::vector<Cookie> cookies_;
  std::optional<bool> certificate_presented_;
  std::optional<bool> certificate_validated_;
};

struct RouteMatch {
  static RouteMatch from(const envoy::config::route::v3::RouteMatch& proto, const FieldPath& path,
                         Report& report);

  // Of a route that the index listed for `path`, or that is in no index. `path` is the query's path
  // withoutQuery(), maybe withoutParameters().
  Rejection check(const Query& query, std::string_view path) const {
    if (!rule.holdsRest(path, query.head.method)) return Rejection::Path;
    return conditions == nullptr ? Rejection::None : conditions->check(query);
  }

  PathRule rule;
  std::unique_ptr<const Conditions> conditions;
};

}  // namespace weir::router
