#include "source/router/rewrite.h"

#include <re2/re2.h>

#include "source/router/route_match.h"

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;
namespace matcher = envoy::type::matcher::v3;

const HeaderName& originalHost() {
  static const HeaderName name = *HeaderName::parse("x-envoy-original-host");
  return name;
}

std::optional<HeaderValue> formatOf(const std::string& text, HeaderValue::Missing missing,
                                    const FieldPath& path, Report& report) {
  if (text.empty()) return std::nullopt;
  auto value = HeaderValue::parse(text, missing);
  if (value) return *std::move(value);
  report.error(path, value.error());
  return std::nullopt;
}

// Only RouteAction can format a path.
const std::string& pathFormat(const route::RouteAction& proto) { return proto.path_rewrite(); }
const std::string& pathFormat(const route::RedirectAction&) {
  static const std::string none;
  return none;
}

}  // namespace

std::unique_ptr<const RegexRewrite> RegexRewrite::from(
    const matcher::RegexMatchAndSubstitute& proto, const FieldPath& path, Report& report) {
  const FieldPath at = path.at("pattern");
  auto regex = compileRegex(proto.pattern());
  if (!regex) {
    report.error(at, regex.error());
    return nullptr;
  }
  std::string why;
  if (!(*regex)->CheckRewriteString(proto.substitution(), &why)) {
    report.error(path.at("substitution"), "'" + proto.substitution() + "': " + why);
    return nullptr;
  }
  if (!isFieldValue(proto.substitution())) {
    report.error(path.at("substitution"), "holds a character that cannot stand in a path or host");
  }
  auto made = std::make_unique<RegexRewrite>();
  made->regex_ = *std::move(regex);
  made->substitution_ = proto.substitution();
  return made;
}

std::string RegexRewrite::replaceAll(std::string_view text) const {
  std::string out(text);
  re2::RE2::GlobalReplace(&out, *regex_, substitution_);
  return out;
}

template <typename Proto>
PathRewrite PathRewrite::from(const Proto& proto, const FieldPath& path, Report& report) {
  PathRewrite made;
  made.prefix_ = proto.prefix_rewrite();
  if (!isFieldValue(made.prefix_)) {
    report.error(path.at("prefix_rewrite"), "holds a character that cannot stand in a path");
  }
  if (proto.has_regex_rewrite()) {
    made.regex_ = RegexRewrite::from(proto.regex_rewrite(), path.at("regex_rewrite"), report);
  }
  made.format_ =
      formatOf(pathFormat(proto), HeaderValue::Missing::Nothing, path.at("path_rewrite"), report);
  const int given =
      !proto.prefix_rewrite().empty() + proto.has_regex_rewrite() + !pathFormat(proto).empty();
  if (given > 1) {
    report.error(path, "only one of prefix_rewrite, regex_rewrite and path_rewrite may be set");
  }
  return made;
}

template PathRewrite PathRewrite::from(const route::RouteAction&, const FieldPath&, Report&);
template PathRewrite PathRewrite::from(const route::RedirectAction&, const FieldPath&, Report&);

std::optional<std::string_view> PathRewrite::apply(std::string_view path, size_t matched,
                                                   const StreamInfo& info, Arena& arena) const {
  if (!prefix_.empty()) {
    return arena.concat(prefix_, path.substr(std::min(matched, path.size())));
  }
  if (regex_ != nullptr) {
    const std::string_view bare = withoutQuery(path);
    return arena.concat(regex_->replaceAll(bare), path.substr(bare.size()));
  }
  if (!format_) return std::nullopt;
  const std::string_view made = format_->render(info, arena);
  if (made.empty()) return std::nullopt;
  return arena.concat(made, path.substr(withoutQuery(path).size()));
}

HostRewrite HostRewrite::from(const route::RouteAction& proto, const FieldPath& path,
                              Report& report) {
  HostRewrite made;
  switch (proto.host_rewrite_specifier_case()) {
    case route::RouteAction::kHostRewriteLiteral:
      if (proto.host_rewrite_literal().empty()) break;
      if (!isFieldValue(proto.host_rewrite_literal())) {
        report.error(path.at("host_rewrite_literal"), "cannot stand in a Host header");
      }
      made.kind_ = Kind::Literal;
      made.literal_ = proto.host_rewrite_literal();
      break;
    case route::RouteAction::kHostRewriteHeader: {
      if (proto.host_rewrite_header().empty()) break;
      auto name = HeaderName::parse(proto.host_rewrite_header());
      if (name) {
        made.kind_ = Kind::Header;
        made.header_ = *std::move(name);
      } else {
        report.error(path.at("host_rewrite_header"), name.error().text);
      }
      break;
    }
    case route::RouteAction::kHostRewritePathRegex:
      made.kind_ = Kind::PathRegex;
      made.path_regex_ = RegexRewrite::from(proto.host_rewrite_path_regex(),
                                            path.at("host_rewrite_path_regex"), report);
      break;
    case route::RouteAction::kHostRewrite:
      made.format_ = formatOf(proto.host_rewrite(), HeaderValue::Missing::Dash,
                              path.at("host_rewrite"), report);
      if (made.format_) made.kind_ = Kind::Format;
      break;
    case route::RouteAction::kAutoHostRewrite:  // done when the endpoint is known
    case route::RouteAction::HOST_REWRITE_SPECIFIER_NOT_SET:
      break;
  }
  return made;
}

std::string_view HostRewrite::apply(const RequestHead& head, const StreamInfo& info,
                                    Arena& arena) const {
  switch (kind_) {
    case Kind::None:
      break;
    case Kind::Literal:
      return literal_;
    case Kind::Header:
      return head.fields.get(*header_).value_or(std::string_view());
    case Kind::PathRegex:
      return arena.copy(path_regex_->replaceAll(withoutQuery(head.path)));
    case Kind::Format:
      return format_->render(info, arena);
  }
  return {};
}

void replaceAuthority(RequestHead& head, std::string_view host, bool note_forwarded,
                      bool note_original, Arena& arena) {
  const std::string_view old = head.authority;
  if (note_forwarded && !old.empty()) {
    const auto known = head.fields.get(HeaderId::XForwardedHost);
    if (!known || known->empty()) {
      head.fields.setView(HeaderId::XForwardedHost, old);
    } else if (known->substr(known->rfind(',') + 1) != old) {
      head.fields.setView(HeaderId::XForwardedHost, arena.concat(*known, ",", old));
    }
  }
  if (note_original && !old.empty()) head.fields.setView(originalHost(), old);
  head.authority = host;
}

}  // namespace weir::router
