#include "source/stream/request_id.h"

#include <endian.h>

#include <cstring>
#include <string>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/request_id/uuid/v3/uuid.pb.h"

namespace weir::stream {
namespace {

// The eight digits of `bits`, first digit first in memory: each nibble is spread to a byte, then
// all eight become characters at once.
uint64_t digitsOf(uint32_t bits) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  uint64_t x = bits;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  const uint64_t letters = ((x + kOnes * 6) >> 4) & kOnes;  // 1 for 10 to 15
  return htobe64(x + kOnes * '0' + letters * ('a' - '0' - 10));
}

}  // namespace

std::string_view makeUuid(const std::array<uint64_t, 2>& random, Arena& arena) {
  constexpr size_t kSize = 36;
  auto* text = static_cast<char*>(arena.allocate(kSize, 1));
  const uint64_t high = (random[0] & ~uint64_t{0xf000}) | 0x4000;               // version 4
  const uint64_t low = (random[1] & ~(uint64_t{3} << 62)) | uint64_t{1} << 63;  // variant 10
  const uint64_t digits[] = {
      digitsOf(static_cast<uint32_t>(high >> 32)), digitsOf(static_cast<uint32_t>(high)),
      digitsOf(static_cast<uint32_t>(low >> 32)), digitsOf(static_cast<uint32_t>(low))};
  const auto* from = reinterpret_cast<const char*>(digits);
  std::memcpy(text, from, 8);
  std::memcpy(text + 9, from + 8, 4);
  std::memcpy(text + 14, from + 12, 4);
  std::memcpy(text + 19, from + 16, 4);
  std::memcpy(text + 24, from + 20, 12);
  text[8] = text[13] = text[18] = text[23] = '-';
  return {text, kSize};
}

Result<RequestIdPolicy> RequestIdPolicy::from(const Hcm& proto) {
  using Uuid = envoy::extensions::request_id::uuid::v3::UuidRequestIdConfig;
  const auto& extension = proto.request_id_extension().typed_config();
  if (proto.has_request_id_extension() && !extension.Is<Uuid>()) {
    return Error{"request_id_extension.typed_config",
                 "'" + extension.type_url() +
                     "' is not supported: expected "
                     "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig"};
  }
  RequestIdPolicy policy;
  if (proto.has_generate_request_id()) policy.generate = proto.generate_request_id().value();
  policy.preserve_external = proto.preserve_external_request_id();
  return policy;
}

std::string_view RequestIdPolicy::apply(RequestHead& head, bool is_edge,
                                        const std::array<uint64_t, 2>& random, Arena& arena) const {
  const std::string_view given = head.fields.get(HeaderId::XRequestId).value_or(std::string_view());
  const bool trusted = !is_edge || preserve_external;
  if (!generate || (trusted && !given.empty())) return given;
  const std::string_view made = makeUuid(random, arena);
  head.fields.setView(HeaderId::XRequestId, made);
  return made;
}

}  // namespace weir::stream
