// Bytes offered to a session in pieces, as a connection does: what it does not take is offered
// again in front of what comes next. Test only.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "source/codec/http2/session.h"

namespace weir::codec {

// `bytes` arrive up to each of `ends` in turn, and then whole. Each offer stands in memory of its
// exact size, so that ASan sees a read past its end, and dies after it. Returns what was never
// taken.
inline size_t feed(Http2Session& session, std::string_view bytes,
                   std::span<const size_t> ends = {}) {
  size_t at = 0;
  for (size_t i = 0; i <= ends.size(); ++i) {
    const std::string_view offer =
        bytes.substr(at, (i < ends.size() ? ends[i] : bytes.size()) - at);
    const std::unique_ptr<char[]> copy(new char[offer.size()]);
    std::memcpy(copy.get(), offer.data(), offer.size());
    at += session.receive({copy.get(), offer.size()});
  }
  return bytes.size() - at;
}

}  // namespace weir::codec
