// What TLS found out, of the client's connection and of the one to the origin.
#include <utility>

#include "source/telemetry/log_operator.h"
#include "weir/tls_facts.h"

namespace weir::telemetry {
namespace {

using List = std::vector<std::string>;

const TlsFacts* downstream(const StreamInfo& info) { return info.tls; }
const TlsFacts* upstream(const StreamInfo& info) { return info.upstream_tls.get(); }

const CertificateFacts* peerOf(const TlsFacts& facts) {
  return facts.peer.empty() ? nullptr : &facts.peer.front();
}
const CertificateFacts* localOf(const TlsFacts& facts) { return facts.local.get(); }

LogValue joined(const List& list, std::string& scratch) {
  for (const std::string& one : list) {
    if (!scratch.empty()) scratch.push_back(',');
    scratch.append(one);
  }
  return LogValue::ofNonEmpty(scratch);
}

template <auto Side, auto Member>
LogValue fact(const LogArgs&, const StreamInfo& info, std::string&) {
  const TlsFacts* facts = Side(info);
  return facts == nullptr ? LogValue::none() : LogValue::ofNonEmpty(facts->*Member);
}

template <auto Side, auto End, auto Member>
LogValue text(const LogArgs&, const StreamInfo& info, std::string&) {
  const TlsFacts* facts = Side(info);
  const CertificateFacts* certificate = facts == nullptr ? nullptr : End(*facts);
  return certificate == nullptr ? LogValue::none() : LogValue::ofNonEmpty(certificate->*Member);
}

template <auto Side, auto End, auto Member>
LogValue names(const LogArgs&, const StreamInfo& info, std::string& scratch) {
  const TlsFacts* facts = Side(info);
  const CertificateFacts* certificate = facts == nullptr ? nullptr : End(*facts);
  return certificate == nullptr ? LogValue::none() : joined(certificate->*Member, scratch);
}

template <auto Side, auto Member>
LogValue date(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  const TlsFacts* facts = Side(info);
  if (facts == nullptr || !facts->hasPeer()) return LogValue::none();
  args.time.append(scratch, facts->peer.front().*Member);
  return LogValue::ofNonEmpty(scratch);
}

Result<LogArgs> prepareDate(std::string_view parameter) {
  LogArgs args;
  args.time = LogTime(parameter);
  return args;
}

// Of the whole chain, the client's own first.
template <auto Member>
LogValue chain(const LogArgs&, const StreamInfo& info, std::string& scratch) {
  if (info.tls == nullptr) return LogValue::none();
  for (const CertificateFacts& certificate : info.tls->peer) {
    if (!scratch.empty()) scratch.push_back(',');
    scratch.append(certificate.*Member);
  }
  return LogValue::ofNonEmpty(scratch);
}

// Of the one that signed the client's.
template <auto Member>
LogValue issuer(const LogArgs&, const StreamInfo& info, std::string&) {
  if (info.tls == nullptr || info.tls->peer.size() < 2) return LogValue::none();
  return LogValue::ofNonEmpty(info.tls->peer[1].*Member);
}

}  // namespace

const std::vector<LogOperatorRow>& tlsOperators() {
  using T = TlsFacts;
  using C = CertificateFacts;
  static const std::vector<LogOperatorRow> kRows = {
      {"DOWNSTREAM_TLS_VERSION", &fact<downstream, &T::version>},
      {"DOWNSTREAM_TLS_CIPHER", &fact<downstream, &T::cipher>},
      {"DOWNSTREAM_TLS_GROUP", &fact<downstream, &T::group>},
      {"DOWNSTREAM_TLS_SESSION_ID", &fact<downstream, &T::session_id>},
      {"DOWNSTREAM_LOCAL_SUBJECT", &text<downstream, localOf, &C::subject>},
      {"DOWNSTREAM_LOCAL_DNS_SAN", &names<downstream, localOf, &C::dns>},
      {"DOWNSTREAM_LOCAL_URI_SAN", &names<downstream, localOf, &C::uri>},
      {"DOWNSTREAM_LOCAL_IP_SAN", &names<downstream, localOf, &C::ip>},
      {"DOWNSTREAM_LOCAL_EMAIL_SAN", &names<downstream, localOf, &C::email>},
      {"DOWNSTREAM_LOCAL_OTHERNAME_SAN", &names<downstream, localOf, &C::other_name>},
      {"DOWNSTREAM_PEER_SUBJECT", &text<downstream, peerOf, &C::subject>},
      {"DOWNSTREAM_PEER_ISSUER", &text<downstream, peerOf, &C::issuer>},
      {"DOWNSTREAM_PEER_SERIAL", &text<downstream, peerOf, &C::serial>},
      {"DOWNSTREAM_PEER_FINGERPRINT_256", &text<downstream, peerOf, &C::fingerprint_256>},
      {"DOWNSTREAM_PEER_FINGERPRINT_1", &text<downstream, peerOf, &C::fingerprint_1>},
      {"DOWNSTREAM_PEER_CERT", &text<downstream, peerOf, &C::pem>},
      {"DOWNSTREAM_PEER_CERT_V_START", &date<downstream, &C::valid_from>, &prepareDate},
      {"DOWNSTREAM_PEER_CERT_V_END", &date<downstream, &C::valid_until>, &prepareDate},
      {"DOWNSTREAM_PEER_DNS_SAN", &names<downstream, peerOf, &C::dns>},
      {"DOWNSTREAM_PEER_URI_SAN", &names<downstream, peerOf, &C::uri>},
      {"DOWNSTREAM_PEER_IP_SAN", &names<downstream, peerOf, &C::ip>},
      {"DOWNSTREAM_PEER_EMAIL_SAN", &names<downstream, peerOf, &C::email>},
      {"DOWNSTREAM_PEER_OTHERNAME_SAN", &names<downstream, peerOf, &C::other_name>},
      {"DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256", &chain<&C::fingerprint_256>},
      {"DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1", &chain<&C::fingerprint_1>},
      {"DOWNSTREAM_PEER_CHAIN_SERIALS", &chain<&C::serial>},
      {"DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256", &issuer<&C::fingerprint_256>},
      {"DOWNSTREAM_PEER_ISSUER_SERIAL", &issuer<&C::serial>},
      {"UPSTREAM_TLS_VERSION", &fact<upstream, &T::version>},
      {"UPSTREAM_TLS_CIPHER", &fact<upstream, &T::cipher>},
      {"UPSTREAM_TLS_GROUP", &fact<upstream, &T::group>},
      {"UPSTREAM_TLS_SESSION_ID", &fact<upstream, &T::session_id>},
      {"UPSTREAM_SERVER_NAME", &fact<upstream, &T::server_name>},
      {"UPSTREAM_PEER_SUBJECT", &text<upstream, peerOf, &C::subject>},
      {"UPSTREAM_PEER_ISSUER", &text<upstream, peerOf, &C::issuer>},
      {"UPSTREAM_PEER_CERT", &text<upstream, peerOf, &C::pem>},
      {"UPSTREAM_PEER_CERT_V_START", &date<upstream, &C::valid_from>, &prepareDate},
      {"UPSTREAM_PEER_CERT_V_END", &date<upstream, &C::valid_until>, &prepareDate},
      {"UPSTREAM_PEER_DNS_SAN", &names<upstream, peerOf, &C::dns>},
      {"UPSTREAM_PEER_URI_SAN", &names<upstream, peerOf, &C::uri>},
      {"UPSTREAM_PEER_IP_SAN", &names<upstream, peerOf, &C::ip>},
      {"UPSTREAM_LOCAL_DNS_SAN", &names<upstream, localOf, &C::dns>},
      {"UPSTREAM_LOCAL_URI_SAN", &names<upstream, localOf, &C::uri>},
      {"UPSTREAM_LOCAL_IP_SAN", &names<upstream, localOf, &C::ip>},
  };
  return kRows;
}

}  // namespace weir::telemetry
