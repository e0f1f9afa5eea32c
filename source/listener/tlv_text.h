// A TLV's value as text: metadata are texts, and TLVs are any bytes.
#pragma once

#include <string>
#include <string_view>

namespace weir::listener {

// Valid UTF-8 stays; every byte that is part of none becomes '!', as in Envoy.
std::string printableOf(std::string_view bytes);
// RFC 4648 §4, with padding.
std::string base64Of(std::string_view bytes);

}  // namespace weir::listener
