// A HeaderMatcher answers whether a message satisfies an envoy.config.route.v3.HeaderMatcher, with
// Envoy's rules: of several fields of one name, one that satisfies is enough, but the common list
// headers that Envoy keeps joined by "," count as one value; a missing field never matches,
// inverted or not, unless the matcher asks for presence or treats missing as empty. Built once with
// a configuration; immutable, so every worker may use it at the same time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/head.h"
#include "weir/result.h"
#include "weir/string_matcher.h"

namespace envoy::config::route::v3 {
class HeaderMatcher;
}

namespace weir {

class HeaderMatcher {
 public:
  // Error fields are relative to the message ("string_match.safe_regex.regex").
  static Result<HeaderMatcher> from(const envoy::config::route::v3::HeaderMatcher&);

  // Knows :method, :path, :authority, host and :scheme.
  bool matches(const RequestHead& head) const;
  // Knows :status.
  bool matches(const ResponseHead& head) const;
  bool matches(const Fields& fields) const;

  // Lower case.
  const std::string& name() const { return name_; }

 private:
  enum class Source : uint8_t { Field, Method, Path, Authority, Scheme, Status };

  explicit HeaderMatcher(std::string name);
  // Without regard to invert_.
  bool satisfies(std::string_view value) const;
  bool satisfiesAny(const Fields& fields) const;
  bool matchesMissing() const;
  bool matchesPseudo(std::string_view value) const;
  bool asksPresence() const { return !text_ && !is_range_; }

  std::string name_;
  HeaderId id_ = HeaderId::Other;
  Source source_ = Source::Field;
  bool invert_ = false;
  bool missing_is_empty_ = false;
  // Exactly one of three: text, range (start < end), or neither of them: presence.
  std::optional<StringMatcher> text_;
  bool is_range_ = false;
  int64_t range_start_ = 0;
  int64_t range_end_ = 0;  // not included
  bool want_present_ = true;
};

}  // namespace weir
