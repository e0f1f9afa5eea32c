#include "source/router/redirect.h"

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;

uint16_t statusOf(route::RedirectAction::RedirectResponseCode code) {
  switch (code) {
    case route::RedirectAction::FOUND:
      return 302;
    case route::RedirectAction::SEE_OTHER:
      return 303;
    case route::RedirectAction::TEMPORARY_REDIRECT:
      return 307;
    case route::RedirectAction::PERMANENT_REDIRECT:
      return 308;
    default:
      return 301;
  }
}

// The request's host; without its port when the redirect names another, or when the scheme changes
// and the port is the default one of the old scheme. What the client spoke is what
// x-forwarded-proto says.
std::string_view hostFor(const RequestHead& head, std::string_view scheme, bool new_port) {
  const std::string_view host = head.authority;
  size_t colon = host.rfind(':');
  if (host.starts_with('[')) {
    const size_t bracket = host.rfind("]:");
    colon = bracket == std::string_view::npos ? bracket : bracket + 1;
  }
  if (colon == std::string_view::npos) return host;
  const std::string_view old = head.fields.get(HeaderId::XForwardedProto).value_or(head.scheme);
  const std::string_view port = host.substr(colon);
  bool remove = new_port;
  if (scheme != old) {
    remove = remove || (old == "https" && port == ":443") || (old == "http" && port == ":80");
  }
  return remove ? host.substr(0, colon) : host;
}

void checkValue(const std::string& text, const FieldPath& path, Report& report) {
  if (!isFieldValue(text)) report.error(path, "cannot stand in a Location header");
}

}  // namespace

Redirect Redirect::from(const route::RedirectAction& proto, const FieldPath& path, Report& report) {
  Redirect made;
  made.status_ = statusOf(proto.response_code());
  made.strip_query_ = proto.strip_query();
  made.scheme_ = proto.scheme_redirect();
  if (proto.https_redirect()) made.scheme_ = "https";
  made.host_ = proto.host_redirect();
  made.path_ = proto.path_redirect();
  made.path_has_query_ = made.path_.find('?') != std::string::npos;
  if (proto.port_redirect() > 65535) {
    report.error(path.at("port_redirect"), "is above 65535");
  } else if (proto.port_redirect() != 0) {
    made.port_ = ":" + std::to_string(proto.port_redirect());
  }
  checkValue(made.scheme_, path.at("scheme_redirect"), report);
  checkValue(made.host_, path.at("host_redirect"), report);
  checkValue(made.path_, path.at("path_redirect"), report);
  made.rewrite_ = PathRewrite::from(proto, path, report);
  return made;
}

std::string_view Redirect::targetPath(const RequestHead& head, size_t matched,
                                      const StreamInfo& info, Arena& arena) const {
  if (path_.empty()) {
    const std::string_view path =
        rewrite_.apply(head.path, matched, info, arena).value_or(head.path);
    return strip_query_ ? path.substr(0, path.find('?')) : path;
  }
  const size_t query = head.path.find('?');
  if (path_has_query_ || strip_query_ || query == std::string_view::npos) return path_;
  return arena.concat(path_, head.path.substr(query));
}

std::string_view Redirect::location(const RequestHead& head, size_t matched, const StreamInfo& info,
                                    Arena& arena) const {
  const std::string_view scheme = scheme_.empty() ? head.scheme : std::string_view(scheme_);
  const std::string_view host = host_.empty() ? hostFor(head, scheme, !port_.empty()) : host_;
  return arena.concat(scheme, "://", host, port_, targetPath(head, matched, info, arena));
}

std::string_view tlsLocation(const RequestHead& head, Arena& arena) {
  return arena.concat("https://", head.authority, head.path);
}

}  // namespace weir::router
