#include "source/transport/tls/secrets.h"

#include <algorithm>

namespace weir::transport {
namespace {

std::string_view kindName(Secret::TypeCase kind) {
  switch (kind) {
    case Secret::kTlsCertificate:
      return "tls_certificate";
    case Secret::kSessionTicketKeys:
      return "session_ticket_keys";
    case Secret::kValidationContext:
      return "validation_context";
    case Secret::kGenericSecret:
      return "generic_secret";
    default:
      return "nothing";
  }
}

}  // namespace

void Secrets::add(const Secret& secret, const Where& at) {
  if (secret.name().empty()) return at.field("name").error("expected a name, found nothing");
  if (secret.type_case() == Secret::TYPE_NOT_SET) {
    return at.error("expected one of tls_certificate, session_ticket_keys, validation_context");
  }
  if (!secrets_.emplace(secret.name(), secret).second) {
    at.field("name").error("a secret named '" + secret.name() + "' stands above already");
  }
}

const Secret* Secrets::find(const SecretReference& reference, Secret::TypeCase kind,
                            const Where& at) const {
  const auto found = secrets_.find(reference.name());
  if (found == secrets_.end()) {
    at.field("name").error("no secret named '" + reference.name() +
                           "' stands in static_resources.secrets");
    return nullptr;
  }
  return isOfKind(found->second, kind, at) ? &found->second : nullptr;
}

void Secrets::checkSource(const SecretReference& reference, const Where& at) const {
  if (reference.name().empty()) at.field("name").error("expected a name, found nothing");
  const Where source = at.field("sds_config");
  check_source_ ? check_source_(reference.sds_config(), source)
                : source.error("there is nothing to fetch secrets with here");
}

FetchedSecrets::One& FetchedSecrets::of(const SecretReference& reference, bool& fresh) {
  const std::string wanted = reference.SerializeAsString();
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const One& one) {
    return one.reference.SerializeAsString() == wanted;
  });
  fresh = found == all_.end();
  return fresh ? all_.emplace_back(One{reference, std::nullopt}) : *found;
}

bool isOfKind(const Secret& secret, Secret::TypeCase kind, const Where& at) {
  if (secret.type_case() == kind) return true;
  at.field("name").error("the secret '" + secret.name() + "' is a " +
                         std::string(kindName(secret.type_case())) + ", expected a " +
                         std::string(kindName(kind)));
  return false;
}

}  // namespace weir::transport
