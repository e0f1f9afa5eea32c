// What a protobuf string may hold of bytes that a peer chose: UTF-8. As in Envoy, '!' stands for
// each byte that is none. Pure.
#pragma once

#include <string>
#include <string_view>

namespace weir::access_logs {

std::string entryText(std::string_view bytes);

}  // namespace weir::access_logs
