#include "weir/string_matcher.h"

#include <re2/re2.h>

#include <algorithm>

#include "envoy/type/matcher/v3/regex.pb.h"
#include "envoy/type/matcher/v3/string.pb.h"

namespace weir {
namespace {

namespace matcher = envoy::type::matcher::v3;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool startsWith(std::string_view text, std::string_view lower_prefix, bool ignore_case) {
  if (!ignore_case) return text.starts_with(lower_prefix);
  return text.size() >= lower_prefix.size() &&
         equalsIgnoreCase(text.substr(0, lower_prefix.size()), lower_prefix);
}

}  // namespace

std::string asciiLower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

Result<std::shared_ptr<const re2::RE2>> compileRegex(const matcher::RegexMatcher& proto) {
  if (proto.regex().empty()) return Error{"regex", "is empty: a regular expression is expected"};
  auto regex = std::make_shared<const re2::RE2>(proto.regex(), re2::RE2::Quiet);
  if (!regex->ok()) {
    return Error{"regex", "'" + proto.regex() + "' is not an RE2 expression: " + regex->error()};
  }
  return std::shared_ptr<const re2::RE2>(std::move(regex));
}

StringMatcher StringMatcher::literal(Kind kind, std::string_view text, bool ignore_case) {
  StringMatcher made;
  made.kind_ = kind;
  made.ignore_case_ = ignore_case;
  made.text_ = ignore_case ? asciiLower(text) : std::string(text);
  return made;
}

Result<StringMatcher> StringMatcher::regex(const matcher::RegexMatcher& proto) {
  auto regex = compileRegex(proto);
  if (!regex) return std::move(regex.error());
  StringMatcher made;
  made.kind_ = Kind::Regex;
  made.regex_ = *std::move(regex);
  return made;
}

Result<StringMatcher> StringMatcher::from(const matcher::StringMatcher& proto) {
  const auto part = [&](Kind kind, const char* field,
                        const std::string& text) -> Result<StringMatcher> {
    if (text.empty()) return Error{field, "is empty: at least one character is expected"};
    return literal(kind, text, proto.ignore_case());
  };
  switch (proto.match_pattern_case()) {
    case matcher::StringMatcher::kExact:
      return literal(Kind::Exact, proto.exact(), proto.ignore_case());
    case matcher::StringMatcher::kPrefix:
      return part(Kind::Prefix, "prefix", proto.prefix());
    case matcher::StringMatcher::kSuffix:
      return part(Kind::Suffix, "suffix", proto.suffix());
    case matcher::StringMatcher::kContains:
      return part(Kind::Contains, "contains", proto.contains());
    case matcher::StringMatcher::kSafeRegex: {
      if (proto.ignore_case()) {
        return Error{"ignore_case", "has no effect on safe_regex: write (?i) in the expression"};
      }
      auto made = regex(proto.safe_regex());
      if (!made) return Error{"safe_regex." + made.error().field, made.error().text};
      return made;
    }
    case matcher::StringMatcher::kCustom:
      return Error{"custom", "custom string matchers are not supported"};
    case matcher::StringMatcher::MATCH_PATTERN_NOT_SET:
      break;
  }
  return Error{"", "one of exact, prefix, suffix, contains, safe_regex is expected"};
}

bool StringMatcher::matches(std::string_view value) const {
  switch (kind_) {
    case Kind::Exact:
      return ignore_case_ ? equalsIgnoreCase(value, text_) : value == text_;
    case Kind::Prefix:
      return startsWith(value, text_, ignore_case_);
    case Kind::Suffix:
      return value.size() >= text_.size() &&
             startsWith(value.substr(value.size() - text_.size()), text_, ignore_case_);
    case Kind::Contains:
      if (!ignore_case_) return value.find(text_) != std::string_view::npos;
      return std::search(value.begin(), value.end(), text_.begin(), text_.end(),
                         [](char a, char b) { return lower(a) == b; }) != value.end();
    case Kind::Regex:
      return re2::RE2::FullMatch({value.data(), value.size()}, *regex_);
  }
  return false;
}

}  // namespace weir
