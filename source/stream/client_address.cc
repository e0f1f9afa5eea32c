#include "source/stream/client_address.h"

#include "source/codec/http1/token.h"

namespace weir::stream {
namespace {

// Cuts the last element off a comma-separated list that has more than one.
bool dropLast(std::string_view& list) {
  const size_t comma = list.rfind(',');
  if (comma == std::string_view::npos) return false;
  list = list.substr(0, comma);
  return true;
}

std::string_view lastOf(std::string_view list) {
  return codec::trimmed(list.substr(list.rfind(',') + 1));
}

}  // namespace

XffAddress lastAddress(std::string_view xff, uint32_t skip) {
  for (uint32_t i = 0; i < skip; ++i) {
    if (!dropLast(xff)) return {};
  }
  const bool single = skip == 0 && xff.find(',') == std::string_view::npos;
  const auto address = IpAddress::parse(lastOf(xff));
  return {address, address && single};
}

XffAddress lastUntrusted(std::string_view xff, const IpRanges& trusted) {
  std::optional<IpAddress> address;
  do {
    address = IpAddress::parse(lastOf(xff));
  } while (address && trusted.contains(*address) && dropLast(xff));
  return {address, false};
}

}  // namespace weir::stream
