#include "source/transport/tls/secrets.h"

namespace weir::transport {
namespace {

std::string_view kindName(Secrets::Secret::TypeCase kind) {
  switch (kind) {
    case Secrets::Secret::kTlsCertificate:
      return "tls_certificate";
    case Secrets::Secret::kSessionTicketKeys:
      return "session_ticket_keys";
    case Secrets::Secret::kValidationContext:
      return "validation_context";
    case Secrets::Secret::kGenericSecret:
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

const Secrets::Secret* Secrets::find(const Reference& reference, Secret::TypeCase kind,
                                     const Where& at) const {
  if (reference.has_sds_config()) {
    at.field("sds_config")
        .error(
            "fetching secrets is not supported yet; without it, name is looked up in "
            "static_resources.secrets");
    return nullptr;
  }
  const auto found = secrets_.find(reference.name());
  if (found == secrets_.end()) {
    at.field("name").error("no secret named '" + reference.name() +
                           "' stands in static_resources.secrets");
    return nullptr;
  }
  if (found->second.type_case() == kind) return &found->second;
  at.field("name").error("the secret '" + reference.name() + "' is a " +
                         std::string(kindName(found->second.type_case())) + ", expected a " +
                         std::string(kindName(kind)));
  return nullptr;
}

}  // namespace weir::transport
