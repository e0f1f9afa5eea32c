#include "source/transport/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace weir::transport {
namespace {

bool prepareMac(EVP_MAC_CTX* mac, const std::array<unsigned char, 32>& key) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.data()),
                                        key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

TicketKeys::Key::~Key() {
  OPENSSL_cleanse(mac.data(), mac.size());
  OPENSSL_cleanse(aes.data(), aes.size());
}

TicketKeys::Key TicketKeys::fresh() {
  Key key;
  RAND_bytes(key.name.data(), static_cast<int>(key.name.size()));
  RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size()));
  RAND_priv_bytes(key.aes.data(), static_cast<int>(key.aes.size()));
  return key;
}

TicketKeys::TicketKeys()
    : current_(std::make_unique<const Keys>(1, fresh())), seen_(current_.get()), rotates_(true) {}

TicketKeys::TicketKeys(const std::vector<std::string>& given) {
  auto keys = std::make_unique<Keys>();
  for (const std::string& text : given) {
    Key& key = keys->emplace_back();
    std::memcpy(key.name.data(), text.data(), 16);
    std::memcpy(key.mac.data(), text.data() + 16, 32);
    std::memcpy(key.aes.data(), text.data() + 48, 32);
  }
  current_ = std::move(keys);
  seen_ = current_.get();
}

TicketKeys::~TicketKeys() = default;

void TicketKeys::rotate(std::chrono::steady_clock::time_point now) {
  if (!rotates_) return;
  if (made_ == std::chrono::steady_clock::time_point()) made_ = now;
  if (now - made_ < kLife) return;
  made_ = now;
  auto next = std::make_unique<Keys>();
  next->push_back(fresh());
  next->push_back(current_->front());
  former_ = std::move(current_);
  current_ = std::move(next);
  seen_.store(current_.get(), std::memory_order_release);
}

int TicketKeys::use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, bool seal) const {
  const Keys& keys = *seen_.load(std::memory_order_acquire);
  if (seal) {
    const Key& key = keys.front();
    std::copy(key.name.begin(), key.name.end(), name);
    const bool ready =
        RAND_bytes(iv, 16) == 1 &&
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes.data(), iv) == 1 &&
        prepareMac(mac, key.mac);
    return ready ? 1 : -1;
  }
  for (const Key& key : keys) {
    if (std::memcmp(name, key.name.data(), key.name.size()) != 0) continue;
    const bool ready =
        prepareMac(mac, key.mac) &&
        EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes.data(), iv) == 1;
    if (!ready) return -1;
    return &key == &keys.front() ? 1 : 2;  // 2: give the client a ticket under the new key
  }
  return 0;
}

}  // namespace weir::transport
