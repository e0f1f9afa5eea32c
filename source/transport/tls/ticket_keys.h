// TicketKeys are the keys that session tickets are sealed with, shared by all workers: the first of
// the list seals, all open. Either given with the configuration, or made here and changed every
// kLife: then a ticket is good for one to two lives, and who gets hold of the keys of today cannot
// read what was recorded before yesterday.
//
// rotate() on the main thread; the rest from any, without a lock.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/transport/tls/ssl_pointers.h"

namespace weir::transport {

class TicketKeys {
 public:
  static constexpr std::chrono::hours kLife{24};
  static constexpr size_t kGivenSize = 80;  // name, HMAC key, AES key, as in Envoy

  TicketKeys();  // made, and changed
  // Each of kGivenSize bytes.
  explicit TicketKeys(const std::vector<std::string>& given);
  TicketKeys(const TicketKeys&) = delete;
  ~TicketKeys();

  // Makes the next key when it is time. What workers may still look at lives for another life.
  void rotate(std::chrono::steady_clock::time_point now);

  // As SSL_CTX_set_tlsext_ticket_key_evp_cb wants it.
  int use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
          bool seal) const;

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> mac;
    std::array<unsigned char, 32> aes;
    ~Key();
  };
  using Keys = std::vector<Key>;
  static Key fresh();

  std::unique_ptr<const Keys> current_, former_;
  std::atomic<const Keys*> seen_;
  std::chrono::steady_clock::time_point made_{};
  bool rotates_ = false;
};

}  // namespace weir::transport
