#include "source/codec/websocket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>

#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr size_t kKeySize = 16;
// Longer ones are no keys; their answer is wrong, then.
constexpr size_t kLongestKey = 64;

// base64 with what EVP_EncodeBlock() writes behind it.
std::string_view encoded(const unsigned char* bytes, size_t size, Arena& arena) {
  auto* const text = static_cast<char*>(arena.allocate((size + 2) / 3 * 4 + 1, 1));
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text), bytes, static_cast<int>(size));
  return {text, static_cast<size_t>(length)};
}

}  // namespace

bool asksWebSocket(const RequestHead& head) {
  const auto type = head.fields.get(HeaderId::Upgrade);
  return head.upgrade && type && equalsIgnoreCase(*type, "websocket");
}

void setWebSocketKey(RequestHead& head) {
  unsigned char key[kKeySize] = {};
  // Should the system have no random numbers left, the key is one that can be guessed.
  if (RAND_bytes(key, sizeof key) != 1) std::memset(key, 0, sizeof key);
  head.fields.remove(kWebSocketKey);
  head.fields.add(kWebSocketKey, encoded(key, sizeof key, head.fields.arena()));
}

std::string_view webSocketAccept(std::string_view key, Arena& arena) {
  char text[kLongestKey + kMagic.size()];
  key = key.substr(0, kLongestKey);
  if (!key.empty()) std::memcpy(text, key.data(), key.size());
  std::memcpy(text + key.size(), kMagic.data(), kMagic.size());
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text, key.size() + kMagic.size(), digest, &size, EVP_sha1(), nullptr);
  return encoded(digest, size, arena);
}

bool answersWebSocketKey(const RequestHead& request, const ResponseHead& response) {
  const auto key = request.fields.get(kWebSocketKey);
  const auto accept = response.fields.get(kWebSocketAccept);
  return key && accept && *accept == webSocketAccept(*key, response.fields.arena());
}

}  // namespace weir::codec
