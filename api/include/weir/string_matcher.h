// A StringMatcher answers whether a string satisfies an envoy.type.matcher.v3.StringMatcher: exact,
// prefix, suffix, contains (each also without regard to ASCII case), or a regular expression that
// must match the whole string. Built once with a configuration; immutable, so every worker may use
// it at the same time. Copies share the compiled expression.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/result.h"

namespace re2 {
class RE2;
}
namespace envoy::type::matcher::v3 {
class RegexMatcher;
class StringMatcher;
}  // namespace envoy::type::matcher::v3

namespace weir {

// Compiles a pattern with the settings every regular expression of a configuration gets: UTF-8, no
// captures beyond the pattern's own, no logging. Error fields are relative to the RegexMatcher.
Result<std::shared_ptr<const re2::RE2>> compileRegex(const envoy::type::matcher::v3::RegexMatcher&);

// ASCII only: header values, hosts and paths are bytes.
std::string asciiLower(std::string_view text);
bool equalsIgnoreCase(std::string_view a, std::string_view b);

class StringMatcher {
 public:
  enum class Kind : uint8_t { Exact, Prefix, Suffix, Contains, Regex };

  // Error fields are relative to the message ("safe_regex.regex").
  static Result<StringMatcher> from(const envoy::type::matcher::v3::StringMatcher&);
  static Result<StringMatcher> regex(const envoy::type::matcher::v3::RegexMatcher&);
  // `kind` is not Regex.
  static StringMatcher literal(Kind kind, std::string_view text, bool ignore_case = false);

  bool matches(std::string_view value) const;

 private:
  StringMatcher() = default;

  Kind kind_ = Kind::Exact;
  bool ignore_case_ = false;
  std::string text_;  // lower case when ignore_case_
  std::shared_ptr<const re2::RE2> regex_;
};

}  // namespace weir
