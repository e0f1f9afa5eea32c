#include "source/codec/http2/message_lines.h"

#include "source/codec/http1/header_id_set.h"
#include "source/codec/http1/token.h"
#include "source/codec/websocket.h"

namespace weir::codec {
namespace {

constexpr HeaderIdSet kLeftOut = {HeaderId::Connection,      HeaderId::KeepAlive,
                                  HeaderId::ProxyConnection, HeaderId::TransferEncoding,
                                  HeaderId::Upgrade,         HeaderId::Host};
// Secrets, which no table on the way may keep (RFC 7541 §7.1.3), and what is new in every message,
// which would only push the useful out of the table.
constexpr HeaderIdSet kNeverIndexed = {HeaderId::Authorization, HeaderId::ProxyAuthorization,
                                       HeaderId::SetCookie, HeaderId::XRequestId};

void listFields(const Fields& fields, HeaderLines& out, bool without_length = false,
                std::string_view without = {}) {
  for (const Field& field : fields) {
    if (!isWritten(field)) continue;
    if (field.id == HeaderId::Other && field.name() == without) continue;
    if (without_length && field.id == HeaderId::ContentLength) continue;
    out.add(field.name(), field.value(), kNeverIndexed.has(field.id));
  }
}

}  // namespace

bool isWritten(const Field& field) {
  if (kLeftOut.has(field.id)) return false;
  return field.id != HeaderId::Te || equalsIgnoreCase(field.value(), "trailers");
}

void listRequest(const RequestHead& head, bool upgrade, HeaderLines& out) {
  out.add(":method", upgrade ? std::string_view("CONNECT") : head.method_name);
  if (upgrade) out.add(":protocol", *head.fields.get(HeaderId::Upgrade));
  if (upgrade || head.method != Method::Connect) {
    out.add(":scheme", head.scheme.empty() ? std::string_view("http") : head.scheme);
    out.add(":path", head.path);
  }
  if (!head.authority.empty()) out.add(":authority", head.authority);
  listFields(head.fields, out, false, upgrade ? kWebSocketKey : std::string_view());
}

void listResponse(const ResponseHead& head, uint16_t status, bool tunnel, HeaderLines& out) {
  out.addStatus(status);
  listFields(head.fields, out, tunnel || status < 200 || status == 204,
             tunnel ? kWebSocketAccept : std::string_view());
}

void listTrailers(const Fields& trailers, HeaderLines& out) { listFields(trailers, out); }

}  // namespace weir::codec
