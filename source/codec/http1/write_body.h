// writeBody frames one piece of a body and writes it: as a chunk where the body is chunked (RFC
// 9112 §7.1), else as it is. `Sink` has write() for views that outlive the call, and writeCopy()
// for those that do not. The result is what the piece takes on the wire. Pure; no heap.
#pragma once

#include <string_view>

#include "source/codec/http1/encode.h"

namespace weir::codec {

template <typename Sink>
uint64_t writeBody(Sink& sink, BodyKind body, std::string_view data, bool end) {
  if (body != BodyKind::Chunked) {
    sink.write(data);
    return data.size();
  }
  uint64_t wire = 0;
  if (!data.empty()) {
    char text[20];
    const std::string_view header(text, encodeChunkHeader(text, data.size()));
    sink.writeCopy(header);
    sink.write(data);
    sink.write(kChunkEnd);
    wire = header.size() + data.size() + kChunkEnd.size();
  }
  if (end) {
    sink.write(kLastChunk);
    wire += kLastChunk.size();
  }
  return wire;
}

}  // namespace weir::codec
