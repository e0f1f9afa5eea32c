#include <re2/re2.h>

#include "source/router/route_match.h"

namespace weir::router {

namespace route = envoy::config::route::v3;

std::string_view withoutQuery(std::string_view path) {
  // By hand: find_first_of() costs a call for each byte.
  size_t end = 0;
  while (end < path.size() && path[end] != '?' && path[end] != '#') ++end;
  return path.substr(0, end);
}

std::string_view withoutParameters(std::string_view path, std::string& buffer) {
  size_t semicolon = path.find(';');
  if (semicolon == std::string_view::npos) return path;
  buffer.clear();
  while (semicolon != std::string_view::npos) {
    buffer.append(path.substr(0, semicolon));
    path.remove_prefix(std::min(path.find('/', semicolon), path.size()));
    semicolon = path.find(';');
  }
  buffer.append(path);
  return buffer;
}

PathRule PathRule::from(const route::RouteMatch& proto, const FieldPath& path, Report& report) {
  PathRule made;
  if (proto.has_case_sensitive()) made.case_sensitive_ = proto.case_sensitive().value();
  switch (proto.path_specifier_case()) {
    case route::RouteMatch::kPrefix:
      made.text_ = proto.prefix();
      if (!made.text_.empty() && made.text_[0] != '/') {
        report.warn(path.at("prefix"), "does not start with '/': no request can match");
      }
      break;
    case route::RouteMatch::kPath:
      made.kind_ = Kind::Exact;
      made.text_ = proto.path();
      if (made.text_.find_first_of("?#") != std::string::npos) {
        report.warn(path.at("path"),
                    "holds '?' or '#', which are not part of a path: no request can match");
      }
      break;
    case route::RouteMatch::kPathSeparatedPrefix:
      made.kind_ = Kind::SeparatedPrefix;
      made.text_ = proto.path_separated_prefix();
      if (made.text_.size() < 2 || made.text_.back() == '/' ||
          made.text_.find_first_of("?#") != std::string::npos) {
        report.error(path.at("path_separated_prefix"),
                     "'" + made.text_ +
                         "': at least two characters are expected, without '?' and "
                         "'#', and no '/' at the end");
      }
      break;
    case route::RouteMatch::kSafeRegex: {
      made.kind_ = Kind::Regex;
      made.text_ = proto.safe_regex().regex();
      made.case_sensitive_ = true;  // an expression says (?i) itself
      auto regex = compileRegex(proto.safe_regex());
      if (regex) {
        made.regex_ = *std::move(regex);
      } else {
        const FieldPath at = path.at("safe_regex");
        report.error(at, regex.error());
      }
      break;
    }
    case route::RouteMatch::kConnectMatcher:
      made.kind_ = Kind::Connect;
      break;
    case route::RouteMatch::kPathMatchPolicy:
      report.refuse(path.at("path_match_policy"));
      break;
    case route::RouteMatch::PATH_SPECIFIER_NOT_SET:
      report.error(path,
                   "one of prefix, path, safe_regex, path_separated_prefix, connect_matcher is "
                   "expected");
      break;
  }
  return made;
}

bool PathRule::addTo(PathIndex& index, uint32_t order) const {
  switch (kind_) {
    case Kind::Prefix:
    case Kind::SeparatedPrefix:
      index.addPrefix(text_, case_sensitive_, order);
      return true;
    case Kind::Exact:
      index.addExact(text_, case_sensitive_, order);
      return true;
    case Kind::Regex:
      index.addRegex(text_, order);
      return true;
    case Kind::Connect:
      break;
  }
  return false;
}

bool PathRule::holdsRest(std::string_view path, Method method) const {
  if (kind_ == Kind::Connect) return method == Method::Connect;
  if (path.empty()) return false;  // CONNECT names no path
  if (kind_ == Kind::Regex) return re2::RE2::FullMatch({path.data(), path.size()}, *regex_);
  return kind_ != Kind::SeparatedPrefix || path.size() == text_.size() || path[text_.size()] == '/';
}

size_t PathRule::matchedSize(std::string_view path) const {
  if (kind_ == Kind::Regex || kind_ == Kind::Connect) return withoutQuery(path).size();
  return text_.size();
}

}  // namespace weir::router
