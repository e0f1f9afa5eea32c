// A FrameWriter writes a session's frames into its Output and counts them for its FloodGuard.
// Internal to the codec.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/codec/http2/flood_guard.h"
#include "source/codec/http2/frame.h"
#include "source/codec/http2/options.h"
#include "source/codec/http2/output.h"

namespace weir::codec {

class HeaderEncoder;
class HeaderLines;

class FrameWriter {
 public:
  FrameWriter(const Http2Options& options, ChunkPool& pool, FloodGuard& guard);
  ~FrameWriter();

  void clientPreface() { output_.copy(kClientPreface); }
  // The first SETTINGS: what the options say.
  void settings(bool as_server);
  void settingsAck();
  void ping(uint64_t opaque, bool ack);
  void reset(uint32_t stream, Http2Code code);
  void goaway(uint32_t last_stream, Http2Code code, std::string_view debug);
  void windowUpdate(uint32_t stream, uint32_t increment);
  // Returns the size of the block.
  size_t headers(uint32_t stream, const HeaderLines& lines, bool end);
  // `payload` is kept as a view if it is long; `copied`: copied however long.
  void data(uint32_t stream, std::string_view payload, bool end, bool copied = false);

  // The peer's SETTINGS_HEADER_TABLE_SIZE.
  void setTableSize(uint32_t size);

  Output& output() { return output_; }
  const Output& output() const { return output_; }

 private:
  char* begin(uint32_t length, FrameType type, uint8_t flags, uint32_t stream);
  void blockInPieces(uint32_t stream, std::string_view block, bool end);

  const Http2Options& options_;
  FloodGuard& guard_;
  Output output_;
  std::unique_ptr<HeaderEncoder> encoder_;  // made for the first block
  uint32_t table_size_ = kDefaultHeaderTableSize;
  uint32_t smallest_table_ = kDefaultHeaderTableSize;  // ever told
};

}  // namespace weir::codec
