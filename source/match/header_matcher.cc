#include "weir/header_matcher.h"

#include <charconv>

#include "envoy/config/route/v3/route_components.pb.h"

namespace weir {
namespace {

namespace route = envoy::config::route::v3;

// Decimal with an optional sign, nothing before or after.
std::optional<int64_t> parseInteger(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// The headers whose repetitions Envoy joins when it reads them (its "inline" headers).
constexpr uint64_t joined(std::initializer_list<HeaderId> ids) {
  uint64_t bits = 0;
  for (const HeaderId id : ids) bits |= uint64_t{1} << static_cast<int>(id);
  return bits;
}
constexpr uint64_t kJoined = joined({HeaderId::Accept,
                                     HeaderId::AcceptEncoding,
                                     HeaderId::AccessControlRequestHeaders,
                                     HeaderId::AccessControlRequestMethod,
                                     HeaderId::Authorization,
                                     HeaderId::CacheControl,
                                     HeaderId::ContentEncoding,
                                     HeaderId::ContentType,
                                     HeaderId::GrpcTimeout,
                                     HeaderId::IfModifiedSince,
                                     HeaderId::IfNoneMatch,
                                     HeaderId::Origin,
                                     HeaderId::Referer,
                                     HeaderId::UserAgent,
                                     HeaderId::Via,
                                     HeaderId::XEnvoyOriginalPath,
                                     HeaderId::XForwardedFor,
                                     HeaderId::XForwardedHost,
                                     HeaderId::XForwardedPort,
                                     HeaderId::XForwardedProto,
                                     HeaderId::XRequestId});

Error below(const char* field, const Error& inner) {
  return {inner.field.empty() ? field : std::string(field) + "." + inner.field, inner.text};
}

}  // namespace

HeaderMatcher::HeaderMatcher(std::string name) : name_(std::move(name)), id_(headerIdOf(name_)) {
  if (name_ == ":method") source_ = Source::Method;
  if (name_ == ":path") source_ = Source::Path;
  if (name_ == ":scheme") source_ = Source::Scheme;
  if (name_ == ":status") source_ = Source::Status;
  if (name_ == ":authority" || name_ == "host") source_ = Source::Authority;
}

Result<HeaderMatcher> HeaderMatcher::from(const route::HeaderMatcher& proto) {
  std::string name = asciiLower(proto.name());
  const bool pseudo = name.starts_with(':');
  if (!isToken(pseudo ? std::string_view(name).substr(1) : std::string_view(name))) {
    return Error{"name", "'" + proto.name() + "' is not a header name"};
  }
  HeaderMatcher made(std::move(name));
  made.invert_ = proto.invert_match();
  made.missing_is_empty_ = proto.treat_missing_header_as_empty();

  const auto part = [&](StringMatcher::Kind kind, const char* field,
                        const std::string& text) -> Result<HeaderMatcher> {
    if (text.empty()) return Error{field, "is empty: use present_match to ask for presence"};
    made.text_ = StringMatcher::literal(kind, text);
    return made;
  };
  using Kind = StringMatcher::Kind;
  switch (proto.header_match_specifier_case()) {
    case route::HeaderMatcher::kExactMatch:
      // Envoy reads an empty exact_match as "is present".
      if (!proto.exact_match().empty()) {
        made.text_ = StringMatcher::literal(Kind::Exact, proto.exact_match());
      }
      return made;
    case route::HeaderMatcher::kPrefixMatch:
      return part(Kind::Prefix, "prefix_match", proto.prefix_match());
    case route::HeaderMatcher::kSuffixMatch:
      return part(Kind::Suffix, "suffix_match", proto.suffix_match());
    case route::HeaderMatcher::kContainsMatch:
      return part(Kind::Contains, "contains_match", proto.contains_match());
    case route::HeaderMatcher::kSafeRegexMatch: {
      auto regex = StringMatcher::regex(proto.safe_regex_match());
      if (!regex) return below("safe_regex_match", regex.error());
      made.text_ = *std::move(regex);
      return made;
    }
    case route::HeaderMatcher::kStringMatch: {
      auto text = StringMatcher::from(proto.string_match());
      if (!text) return below("string_match", text.error());
      made.text_ = *std::move(text);
      return made;
    }
    case route::HeaderMatcher::kRangeMatch:
      made.is_range_ = true;
      made.range_start_ = proto.range_match().start();
      made.range_end_ = proto.range_match().end();
      return made;
    case route::HeaderMatcher::kPresentMatch:
      made.want_present_ = proto.present_match();
      return made;
    case route::HeaderMatcher::HEADER_MATCH_SPECIFIER_NOT_SET:
      break;
  }
  return made;
}

bool HeaderMatcher::satisfies(std::string_view value) const {
  if (text_) return text_->matches(value);
  const auto number = parseInteger(value);
  return number && *number >= range_start_ && *number < range_end_;
}

bool HeaderMatcher::matchesMissing() const {
  if (asksPresence()) return (missing_is_empty_ == want_present_) != invert_;
  return missing_is_empty_ && satisfies({}) != invert_;
}

bool HeaderMatcher::satisfiesAny(const Fields& fields) const {
  const bool join = ((kJoined >> static_cast<int>(id_)) & 1) != 0;
  std::string all;
  size_t count = 0;
  for (const Field& field : fields) {
    if (id_ != HeaderId::Other ? field.id != id_ : field.name() != name_) continue;
    if (!join && satisfies(field.value())) return true;
    if (join) all.append(count++ == 0 ? "" : ",").append(field.value());  // RFC 9110 §5.3
  }
  return join && satisfies(all);
}

bool HeaderMatcher::matches(const Fields& fields) const {
  const auto first = id_ != HeaderId::Other ? fields.get(id_) : fields.get(std::string_view(name_));
  if (!first) return matchesMissing();
  if (asksPresence()) return want_present_ != invert_;
  return satisfiesAny(fields) != invert_;
}

// A pseudo field the request does not have (:path of CONNECT) is missing, not empty.
bool HeaderMatcher::matchesPseudo(std::string_view value) const {
  if (value.empty()) return matchesMissing();
  return asksPresence() ? want_present_ != invert_ : satisfies(value) != invert_;
}

bool HeaderMatcher::matches(const RequestHead& head) const {
  switch (source_) {
    case Source::Method:
      return matchesPseudo(head.method_name);
    case Source::Path:
      return matchesPseudo(head.path);
    case Source::Authority:
      return matchesPseudo(head.authority);
    case Source::Scheme:
      return matchesPseudo(head.scheme);
    case Source::Field:
    case Source::Status:
      break;
  }
  return matches(head.fields);
}

bool HeaderMatcher::matches(const ResponseHead& head) const {
  if (source_ != Source::Status) return matches(head.fields);
  return matchesPseudo(std::to_string(head.status));
}

}  // namespace weir
