#include "source/codec/http2/hpack.h"

#include <cstdlib>

namespace weir::codec {
namespace {

// nghttp2 fails here only without memory, which ends the process, as everywhere in Weir.
void require(bool holds) {
  if (!holds) std::abort();
}

uint8_t* bytesOf(std::string_view text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
}

std::string_view textOf(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

HeaderDecoder::HeaderDecoder() { require(nghttp2_hd_inflate_new(&inflater_) == 0); }

HeaderDecoder::~HeaderDecoder() { nghttp2_hd_inflate_del(inflater_); }

HeaderDecoder::Outcome HeaderDecoder::decode(std::string_view block, FieldSink& sink) {
  while (true) {
    nghttp2_nv field;
    int flags = 0;
    const ssize_t n =
        nghttp2_hd_inflate_hd2(inflater_, &field, &flags, bytesOf(block), block.size(), 1);
    if (n < 0) return Outcome::Invalid;
    block.remove_prefix(static_cast<size_t>(n));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      if (!sink.onField(textOf(field.name, field.namelen), textOf(field.value, field.valuelen))) {
        return Outcome::Stopped;
      }
      continue;
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) return Outcome::Invalid;
    nghttp2_hd_inflate_end_headers(inflater_);
    return Outcome::Done;
  }
}

void HeaderDecoder::setTableSize(uint32_t size) {
  require(nghttp2_hd_inflate_change_table_size(inflater_, size) == 0);
}

void HeaderLines::add(std::string_view name, std::string_view value, bool never_indexed) {
  const nghttp2_nv line{
      bytesOf(name), bytesOf(value), name.size(), value.size(),
      static_cast<uint8_t>(never_indexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)};
  if (size_ == kInline) more_.assign(first_.begin(), first_.end());
  if (size_ >= kInline) {
    more_.push_back(line);
  } else {
    first_[size_] = line;
  }
  ++size_;
}

void HeaderLines::addStatus(uint16_t status) {
  status_[0] = static_cast<char>('0' + status / 100);
  status_[1] = static_cast<char>('0' + status / 10 % 10);
  status_[2] = static_cast<char>('0' + status % 10);
  add(":status", {status_, 3});
}

HeaderEncoder::HeaderEncoder(uint32_t most) {
  require(nghttp2_hd_deflate_new(&deflater_, most) == 0);
}

HeaderEncoder::~HeaderEncoder() { nghttp2_hd_deflate_del(deflater_); }

size_t HeaderEncoder::bound(const HeaderLines& lines) const {
  return nghttp2_hd_deflate_bound(deflater_, lines.data(), lines.size());
}

size_t HeaderEncoder::encode(const HeaderLines& lines, char* to, size_t room) {
  const ssize_t n = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<uint8_t*>(to), room,
                                          lines.data(), lines.size());
  require(n >= 0);
  return static_cast<size_t>(n);
}

void HeaderEncoder::setTableSize(uint32_t size) {
  require(nghttp2_hd_deflate_change_table_size(deflater_, size) == 0);
}

}  // namespace weir::codec
