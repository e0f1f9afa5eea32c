#include "source/transport/tls/tls_plan.h"

#include <algorithm>
#include <utility>

#include "source/transport/tls/session_store.h"
#include "source/transport/tls/tls_reader.h"
#include "source/transport/tls/tls_session.h"

namespace weir::transport {
namespace {

constexpr size_t kLongestServerName = 255;

void refuse(bool set, const Where& at, std::string_view field, std::string_view why, bool& good) {
  if (!set) return;
  at.field(field).error(std::string(why));
  good = false;
}

}  // namespace

std::shared_ptr<const TlsContext> ReloadableTls::make(const TlsContext* before, const Where& at) {
  TlsParts parts;
  TlsReader reader(*build_.secrets, fetched_, before);
  const bool good = read(reader, parts, at);
  watched_ = reader.watched();
  if (!good || reader.awaits()) return nullptr;
  auto made = TlsContext::make(std::move(parts), stats_);
  if (made) return *std::move(made);
  at.field("common_tls_context").field(made.error().field).error(made.error().text);
  return nullptr;
}

bool ReloadableTls::start(const Where& at) {
  const size_t errors_before = at.report().errors();
  context_ = make(nullptr, at);
  seen_.store(context_.get(), std::memory_order_release);
  if (!fetched_.all().empty()) {
    const StatScope scope =
        build_.scope.scope(server_ ? "server_ssl_socket_factory" : "client_ssl_socket_factory");
    not_ready_ = scope.counter(server_ ? "downstream_context_secrets_not_ready"
                                       : "upstream_context_secrets_not_ready");
    updated_by_sds_ = scope.counter("ssl_context_update_by_sds");
  }
  return at.report().errors() == errors_before;
}

std::shared_ptr<const TlsContext> ReloadableTls::reload(Report& report) {
  auto made = make(context_.get(), Where(report));
  if (!report.ok()) stats_->key_rotation_failed.add();
  return made == nullptr ? nullptr : replaceWith(std::move(made));
}

std::shared_ptr<const TlsContext> ReloadableTls::replaceWith(
    std::shared_ptr<const TlsContext> made) {
  std::swap(made, context_);
  seen_.store(context_.get(), std::memory_order_release);
  return made;
}

std::shared_ptr<const TlsContext> ReloadableTls::give(const SecretReference& reference,
                                                      Secret secret, Report& report) {
  bool fresh = false;
  FetchedSecrets::One& one = fetched_.of(reference, fresh);
  std::optional<Secret> former = std::exchange(one.secret, std::move(secret));
  // All of it as it is now: what is refused must not be in force in part.
  auto made = make(nullptr, Where(report));
  if (!report.ok()) {
    stats_->key_rotation_failed.add();
    one.secret = std::move(former);
    return nullptr;
  }
  updated_by_sds_.add();
  return made == nullptr ? nullptr : replaceWith(std::move(made));
}

std::shared_ptr<TlsServer> TlsServer::plan(const DownstreamTlsProto& proto, TlsBuild build,
                                           const Where& at) {
  std::shared_ptr<TlsServer> made(new TlsServer(proto, std::move(build)));
  return made->start(at) ? made : nullptr;
}

std::unique_ptr<TlsSession> TlsServer::accept() const {
  if (const TlsContext* context = current()) return context->accept();
  countNotReady();
  return nullptr;
}

void TlsServer::rotateKeys(std::chrono::steady_clock::time_point now) {
  if (made_keys_ != nullptr) made_keys_->rotate(now);
}

bool TlsServer::read(TlsReader& reader, TlsParts& parts, const Where& at) {
  parts.server = true;
  const Where common = at.field("common_tls_context");
  bool good = reader.common(proto_.common_tls_context(), parts, common);
  if (good && parts.identities.empty() && !reader.awaits()) {
    common.field("tls_certificates").error("expected at least one certificate");
    good = false;
  }
  parts.needs_certificate = proto_.require_client_certificate().value();
  parts.needs_server_name = proto_.require_sni().value();
  parts.scan_on_mismatch = proto_.full_scan_certs_on_sni_mismatch().value();
  parts.client_ciphers = proto_.prefer_client_ciphers();
  parts.stateful = !proto_.disable_stateful_session_resumption();
  parts.tickets = !proto_.disable_stateless_session_resumption();
  parts.session_seconds = proto_.session_timeout().seconds();
  refuse(proto_.has_session_timeout() &&
             (parts.session_seconds < 1 || parts.session_seconds > 4294967295),
         at, "session_timeout", "expected 1 to 4294967295 whole seconds", good);
  refuse(proto_.ocsp_staple_policy() != DownstreamTlsProto::LENIENT_STAPLING, at,
         "ocsp_staple_policy", "only LENIENT_STAPLING is supported", good);
  if (parts.needs_certificate) parts.id += "needs a certificate";
  for (const auto& identity : parts.identities) {
    for (const std::string& name : identity->host_names) parts.id += name + ' ';
  }
  if (parts.tickets) good &= readTickets(reader, parts, at);
  return good;
}

bool TlsServer::readTickets(TlsReader& reader, TlsParts& parts, const Where& at) {
  std::vector<std::string> keys;
  switch (proto_.session_ticket_keys_type_case()) {
    case DownstreamTlsProto::kSessionTicketKeys:
      if (!reader.ticketKeys(proto_.session_ticket_keys(), keys, at.field("session_ticket_keys"))) {
        return false;
      }
      break;
    case DownstreamTlsProto::kSessionTicketKeysSdsSecretConfig: {
      const Where here = at.field("session_ticket_keys_sds_secret_config");
      bool good = true;
      const Secret* secret = reader.secret(proto_.session_ticket_keys_sds_secret_config(),
                                           Secret::kSessionTicketKeys, here, good);
      if (secret == nullptr) return good;
      if (!reader.ticketKeys(secret->session_ticket_keys(), keys, here)) return false;
      break;
    }
    default:
      if (made_keys_ == nullptr) made_keys_ = std::make_shared<TicketKeys>();
      parts.ticket_keys = made_keys_;
      return true;
  }
  parts.ticket_keys = std::make_shared<TicketKeys>(keys);
  for (std::string& key : keys) OPENSSL_cleanse(key.data(), key.size());
  return true;
}

std::shared_ptr<TlsClient> TlsClient::plan(const UpstreamTlsProto& proto, TlsBuild build,
                                           const Where& at) {
  std::shared_ptr<TlsClient> made(new TlsClient(proto, std::move(build)));
  if (!made->start(at)) return nullptr;
  const TlsContext* context = made->current();
  const PeerCheck* peer = context == nullptr ? nullptr : context->peer();
  if (context != nullptr &&
      (peer == nullptr || !(peer->rules().verifiesChain() || peer->rules().pins()))) {
    at.field("common_tls_context")
        .warning("without validation_context any certificate of the origin is accepted");
  }
  return made;
}

bool TlsClient::read(TlsReader& reader, TlsParts& parts, const Where& at) {
  const auto& proto = proto_.common_tls_context();
  const Where common = at.field("common_tls_context");
  bool good = reader.common(proto, parts, common);
  refuse(proto.tls_certificates_size() + proto.tls_certificate_sds_secret_configs_size() > 1,
         common, "tls_certificates", "only one certificate can be shown to an origin", good);
  refuse(proto_.sni().size() > kLongestServerName, at, "sni", "expected at most 255 bytes", good);
  refuse(proto_.allow_renegotiation(), at, "allow_renegotiation",
         "renegotiation is never allowed: it has been a way into connections", good);
  refuse(proto_.enforce_rsa_key_usage().value(), at, "enforce_rsa_key_usage",
         "comparing the use of RSA keys with their certificates is not supported", good);
  const bool by_name = proto_.auto_sni_san_validation();
  refuse(by_name && proto_.sni().empty() && !proto_.auto_host_sni(), at, "auto_sni_san_validation",
         "expected sni or auto_host_sni beside it: nothing else gives it a name", good);
  const bool means_nothing =
      good && !reader.awaits() && !(parts.peer && parts.peer->verifiesChain());
  refuse(by_name && means_nothing, at, "auto_sni_san_validation",
         "names prove nothing without trusted_ca", good);
  refuse(verifies_names_ && means_nothing, common, "validation_context",
         "auto_san_validation proves nothing without trusted_ca", good);
  const uint32_t sessions = proto_.has_max_session_keys() ? proto_.max_session_keys().value() : 1;
  if (sessions != 0) {
    parts.sessions =
        std::make_shared<SessionStore>(std::min<size_t>(sessions, SessionStore::kMost));
  }
  return good;
}

std::unique_ptr<TlsSession> TlsClient::connect(const Names& names) const {
  const TlsContext* context = current();
  if (context == nullptr) {
    countNotReady();
    return nullptr;
  }
  std::string_view name = names.requested;
  if (name.empty() && proto_.auto_host_sni()) name = names.host;
  if (name.empty()) name = proto_.sni();
  std::string_view verified = names.verified;
  if (verified.empty() && proto_.auto_sni_san_validation()) verified = name;
  return context->connect(std::string(name), std::string(verified));
}

bool TlsClient::verifyNames() {
  verifies_names_ = true;
  const TlsContext* context = current();
  return context == nullptr ||
         (context->peer() != nullptr && context->peer()->rules().verifiesChain());
}

}  // namespace weir::transport
