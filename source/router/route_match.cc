#include "source/router/route_match.h"

#include "weir/grpc.h"

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;

// The first value of a parameter, as it is written: nothing is decoded.
std::optional<std::string_view> queryValue(std::string_view path, std::string_view name) {
  const size_t start = path.find('?');
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = path.substr(start + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    const size_t equal = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equal) == name) return pair.substr(std::min(equal + 1, pair.size()));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// RFC 6265 §4.2.1; the first cookie of that name, without the quotes around its value.
std::optional<std::string_view> cookieValue(const Fields& fields, std::string_view name) {
  if (!fields.has(HeaderId::Cookie)) return std::nullopt;
  for (const Field& field : fields) {
    if (field.id != HeaderId::Cookie) continue;
    std::string_view rest = field.value();
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equal = pair.find('=');
      if (equal == std::string_view::npos || pair.substr(0, equal) != name) continue;
      std::string_view value = pair.substr(equal + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view rejectionName(Rejection rejection) {
  switch (rejection) {
    case Rejection::None:
      return "none";
    case Rejection::Path:
      return "path";
    case Rejection::RuntimeFraction:
      return "runtime_fraction";
    case Rejection::Grpc:
      return "grpc";
    case Rejection::Header:
      return "headers";
    case Rejection::QueryParameter:
      return "query_parameters";
    case Rejection::Cookie:
      return "cookies";
    case Rejection::TlsContext:
      return "tls_context";
  }
  return "none";
}

RouteMatch RouteMatch::from(const route::RouteMatch& proto, const FieldPath& path, Report& report) {
  return {PathRule::from(proto, path, report), Conditions::from(proto, path, report)};
}

std::unique_ptr<const Conditions> Conditions::from(const route::RouteMatch& proto,
                                                   const FieldPath& path, Report& report) {
  if (proto.dynamic_metadata_size() != 0) report.refuse(path.at("dynamic_metadata"));
  if (proto.filter_state_size() != 0) report.refuse(path.at("filter_state"));
  if (!proto.has_runtime_fraction() && !proto.has_grpc() && !proto.has_tls_context() &&
      proto.headers_size() + proto.query_parameters_size() + proto.cookies_size() == 0) {
    return nullptr;
  }
  auto made = std::make_unique<Conditions>();
  made->grpc_ = proto.has_grpc();
  for (int i = 0; i < proto.headers_size(); ++i) {
    auto matcher = HeaderMatcher::from(proto.headers(i));
    if (matcher) {
      made->headers_.push_back(*std::move(matcher));
    } else {
      const FieldPath at = path.at("headers", i);
      report.error(at, matcher.error());
    }
  }
  made->readFraction(proto, path, report);
  made->readQuery(proto, path, report);
  made->readCookies(proto, path, report);
  const route::RouteMatch::TlsContextMatchOptions& tls = proto.tls_context();
  if (tls.has_presented()) made->certificate_presented_ = tls.presented().value();
  if (tls.has_validated()) made->certificate_validated_ = tls.validated().value();
  return made;
}

void Conditions::readFraction(const route::RouteMatch& proto, const FieldPath& path,
                              Report& report) {
  if (!proto.has_runtime_fraction()) return;
  const FieldPath at = path.at("runtime_fraction");
  if (!proto.runtime_fraction().has_default_value()) {
    report.error(at.at("default_value"), "is missing");
  }
  fraction_ = RuntimePercentage::from(proto.runtime_fraction(),
                                      [&](const auto& key) { return report.build().runtime(key); });
}

void Conditions::readQuery(const route::RouteMatch& proto, const FieldPath& path, Report& report) {
  for (int i = 0; i < proto.query_parameters_size(); ++i) {
    const route::QueryParameterMatcher& item = proto.query_parameters(i);
    const FieldPath at = path.at("query_parameters", i);
    if (item.name().empty()) report.error(at.at("name"), "is empty");
    QueryParameter made{item.name(), std::nullopt};
    if (item.has_present_match()) made.want_present = item.present_match();
    if (item.has_string_match()) {
      auto value = StringMatcher::from(item.string_match());
      if (!value) {
        const FieldPath inner = at.at("string_match");
        report.error(inner, value.error());
        continue;
      }
      made.value = *std::move(value);
    }
    query_.push_back(std::move(made));
  }
}

void Conditions::readCookies(const route::RouteMatch& proto, const FieldPath& path,
                             Report& report) {
  for (int i = 0; i < proto.cookies_size(); ++i) {
    const route::CookieMatcher& item = proto.cookies(i);
    const FieldPath at = path.at("cookies", i);
    if (item.name().empty()) report.error(at.at("name"), "is empty");
    auto value = StringMatcher::from(item.string_match());
    if (!value) {
      const FieldPath inner = at.at("string_match");
      report.error(inner, value.error());
      continue;
    }
    cookies_.push_back({item.name(), *std::move(value), item.invert_match()});
  }
}

bool Conditions::QueryParameter::matches(std::string_view path) const {
  const auto found = queryValue(path, name);
  if (!value) return found.has_value() == want_present;
  return found && value->matches(*found);
}

bool Conditions::Cookie::matches(const Fields& fields) const {
  const auto found = cookieValue(fields, name);
  return (found && value.matches(*found)) != invert;
}

Rejection Conditions::check(const Query& query) const {
  if (fraction_ && !fraction_->includes(query.random)) return Rejection::RuntimeFraction;
  if (grpc_ && !grpc::isGrpc(query.head.fields)) return Rejection::Grpc;
  for (const HeaderMatcher& header : headers_) {
    if (!header.matches(query.head)) return Rejection::Header;
  }
  for (const QueryParameter& parameter : query_) {
    if (!parameter.matches(query.head.path)) return Rejection::QueryParameter;
  }
  for (const Cookie& cookie : cookies_) {
    if (!cookie.matches(query.head.fields)) return Rejection::Cookie;
  }
  if (certificate_presented_ && *certificate_presented_ != query.certificate_presented) {
    return Rejection::TlsContext;
  }
  if (certificate_validated_ && *certificate_validated_ != query.certificate_validated) {
    return Rejection::TlsContext;
  }
  return Rejection::None;
}

}  // namespace weir::router
