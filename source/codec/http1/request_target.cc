#include "source/codec/http1/request_target.h"

#include "source/codec/http1/authority.h"
#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

// RFC 9112 §3.2.2; other schemes than http and https are not proxied.
Fault readAbsolute(std::string_view target, RequestHead& out) {
  const size_t colon = target.find(':');
  if (colon == target.npos || target.substr(colon, 3) != "://") return Fault::InvalidUrl;
  const std::string_view scheme = target.substr(0, colon);
  if (equalsIgnoreCase(scheme, "http")) {
    out.scheme = "http";
  } else if (equalsIgnoreCase(scheme, "https")) {
    out.scheme = "https";
  } else {
    return Fault::InvalidScheme;
  }
  const std::string_view rest = target.substr(colon + 3);
  const size_t end = rest.find_first_of("/?");
  out.authority = rest.substr(0, end);
  if (!isAuthority(out.authority)) return Fault::InvalidUrl;
  if (end == rest.npos) {
    // RFC 9112 §3.2.4: the last proxy turns OPTIONS without a path into "*".
    out.path = out.method == Method::Options ? "*" : "/";
  } else if (rest[end] == '/') {
    out.path = rest.substr(end);
  } else {
    out.path = out.fields.arena().concat("/", rest.substr(end));
  }
  return Fault::None;
}

}  // namespace

Fault readTarget(std::string_view target, RequestHead& out, TargetForm& form) {
  // RFC 9112 §3.2.3: CONNECT has host and port, and no other method has them alone.
  if (out.method == Method::Connect) {
    form = TargetForm::Authority;
    if (!isAuthority(target, Port::Required)) return Fault::InvalidUrl;
    out.authority = target;
    out.path = {};
    return Fault::None;
  }
  if (target[0] == '/') {
    form = TargetForm::Origin;
    out.path = target;
    return Fault::None;
  }
  if (target[0] == '*') {
    form = TargetForm::Asterisk;
    out.path = target;
    const bool allowed = target.size() == 1 && out.method == Method::Options;
    return allowed ? Fault::None : Fault::InvalidUrl;
  }
  form = TargetForm::Absolute;
  return readAbsolute(target, out);
}

}  // namespace weir::codec
