#include "source/codec/http2/frame_writer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "source/codec/http2/hpack.h"

namespace weir::codec {
namespace {

// Settings the codec lives by: they follow from the options and nothing else.
bool isOurs(uint16_t id) {
  return (id >= static_cast<uint16_t>(SettingId::HeaderTableSize) &&
          id <= static_cast<uint16_t>(SettingId::MaxHeaderListSize)) ||
         id == static_cast<uint16_t>(SettingId::EnableConnectProtocol);
}

}  // namespace

FrameWriter::FrameWriter(const Http2Options& options, ChunkPool& pool, FloodGuard& guard)
    : options_(options), guard_(guard), output_(pool) {}

FrameWriter::~FrameWriter() = default;

// Room for a whole frame, its header written; the caller fills `length` bytes from there.
char* FrameWriter::begin(uint32_t length, FrameType type, uint8_t flags, uint32_t stream) {
  char* const at = output_.reserve(kFrameHeaderSize + length);
  writeFrameHeader(at, length, type, flags, stream);
  output_.commit(kFrameHeaderSize + length);
  guard_.onWrite(type == FrameType::Settings || type == FrameType::Ping ||
                 type == FrameType::RstStream);
  return at + kFrameHeaderSize;
}

void FrameWriter::settings(bool as_server) {
  std::vector<Http2Setting> all;
  const auto add = [&all](SettingId id, uint32_t value) {
    all.push_back({static_cast<uint16_t>(id), value});
  };
  if (options_.header_table_size != kDefaultHeaderTableSize) {
    add(SettingId::HeaderTableSize, options_.header_table_size);
  }
  if (as_server) {
    add(SettingId::MaxConcurrentStreams, options_.max_concurrent_streams);
    if (options_.allow_connect) add(SettingId::EnableConnectProtocol, 1);
  } else {
    add(SettingId::EnablePush, 0);
  }
  if (options_.initial_stream_window != kDefaultWindow) {
    add(SettingId::InitialWindowSize, options_.initial_stream_window);
  }
  add(SettingId::MaxHeaderListSize, options_.max_head_bytes);
  for (const Http2Setting& custom : options_.custom_settings) {
    if (!isOurs(custom.id)) all.push_back(custom);
  }
  char* at = begin(static_cast<uint32_t>(6 * all.size()), FrameType::Settings, 0, 0);
  for (const Http2Setting& setting : all) {
    writeUint16(at, setting.id);
    writeUint32(at + 2, setting.value);
    at += 6;
  }
}

void FrameWriter::settingsAck() { begin(0, FrameType::Settings, kFlagAck, 0); }

void FrameWriter::ping(uint64_t opaque, bool ack) {
  char* const at = begin(8, FrameType::Ping, ack ? kFlagAck : 0, 0);
  writeUint32(at, static_cast<uint32_t>(opaque >> 32));
  writeUint32(at + 4, static_cast<uint32_t>(opaque));
}

void FrameWriter::reset(uint32_t stream, Http2Code code) {
  writeUint32(begin(4, FrameType::RstStream, 0, stream), static_cast<uint32_t>(code));
}

void FrameWriter::goaway(uint32_t last_stream, Http2Code code, std::string_view debug) {
  const auto size = static_cast<uint32_t>(8 + debug.size());
  char* const at = begin(size, FrameType::Goaway, 0, 0);
  writeUint32(at, last_stream);
  writeUint32(at + 4, static_cast<uint32_t>(code));
  if (!debug.empty()) std::memcpy(at + 8, debug.data(), debug.size());
}

void FrameWriter::windowUpdate(uint32_t stream, uint32_t increment) {
  writeUint32(begin(4, FrameType::WindowUpdate, 0, stream), increment);
}

size_t FrameWriter::headers(uint32_t stream, const HeaderLines& lines, bool end) {
  if (encoder_ == nullptr) {
    encoder_ = std::make_unique<HeaderEncoder>(options_.header_table_size);
    // RFC 7541 §4.2: the smallest of several sizes has to be told, too.
    if (smallest_table_ < kDefaultHeaderTableSize) encoder_->setTableSize(smallest_table_);
    if (table_size_ != smallest_table_) encoder_->setTableSize(table_size_);
  }
  const size_t bound = encoder_->bound(lines);
  char* const at = output_.reserve(kFrameHeaderSize + bound);
  const size_t size = encoder_->encode(lines, at + kFrameHeaderSize, bound);
  if (size > kMaxFrameSize) {
    const std::string block(at + kFrameHeaderSize, size);
    blockInPieces(stream, block, end);
    return size;
  }
  const uint8_t flags = kFlagEndHeaders | (end ? kFlagEndStream : 0);
  writeFrameHeader(at, static_cast<uint32_t>(size), FrameType::Headers, flags, stream);
  output_.commit(kFrameHeaderSize + size);
  guard_.onWrite(false);
  return size;
}

void FrameWriter::blockInPieces(uint32_t stream, std::string_view block, bool end) {
  FrameType type = FrameType::Headers;
  uint8_t flags = end ? kFlagEndStream : 0;
  while (!block.empty()) {
    const std::string_view piece = block.substr(0, kMaxFrameSize);
    block.remove_prefix(piece.size());
    if (block.empty()) flags |= kFlagEndHeaders;
    char* const at = begin(static_cast<uint32_t>(piece.size()), type, flags, stream);
    std::memcpy(at, piece.data(), piece.size());
    type = FrameType::Continuation;
    flags = 0;
  }
}

void FrameWriter::data(uint32_t stream, std::string_view payload, bool end, bool copied) {
  const auto size = static_cast<uint32_t>(payload.size());
  char* const at = output_.reserve(kFrameHeaderSize);
  writeFrameHeader(at, size, FrameType::Data, end ? kFlagEndStream : 0, stream);
  output_.commit(kFrameHeaderSize);
  copied ? output_.copy(payload) : output_.append(payload);
  guard_.onWrite(false);
  guard_.onDataWritten();
}

void FrameWriter::setTableSize(uint32_t size) {
  table_size_ = size;
  smallest_table_ = std::min(smallest_table_, size);
  if (encoder_ != nullptr) encoder_->setTableSize(size);
}

}  // namespace weir::codec
