#include "source/transport/tls/identities.h"

#include <openssl/evp.h>

namespace weir::transport {
namespace {

constexpr size_t kSweepAfter = 16;  // more than twice what was left the last time

struct DigestEnd {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

Identities::Digest Identities::digestOf(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, DigestEnd> context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const std::string_view part : parts) {
    const size_t size = part.size();
    EVP_DigestUpdate(context.get(), &size, sizeof size);
    EVP_DigestUpdate(context.get(), part.data(), size);
  }
  Digest digest{};
  EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
  return digest;
}

std::shared_ptr<const Identity> Identities::find(const Digest& digest) const {
  const auto found = known_.find(digest);
  return found == known_.end() ? nullptr : found->second.lock();
}

void Identities::add(const Digest& digest, const std::shared_ptr<const Identity>& identity) {
  known_[digest] = identity;
  if (known_.size() <= 2 * swept_at_ + kSweepAfter) return;
  std::erase_if(known_, [](const auto& one) { return one.second.expired(); });
  swept_at_ = known_.size();
}

}  // namespace weir::transport
