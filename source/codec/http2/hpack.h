// Header compression (RFC 7541) for one connection, done by nghttp2. Only the codec's own files
// include this header: it is the one that knows nghttp2's types.
//
// A connection's blocks must pass through its decoder and its encoder in the order in which they
// are on the wire, the unwanted ones, too. Not thread safe.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::codec {

// What a block's fields are given to.
class FieldSink {
 public:
  // The views live until it returns. False: stop, the connection is given up.
  virtual bool onField(std::string_view name, std::string_view value) = 0;

 protected:
  ~FieldSink() = default;
};

class HeaderDecoder {
 public:
  HeaderDecoder();
  ~HeaderDecoder();
  HeaderDecoder(const HeaderDecoder&) = delete;
  HeaderDecoder& operator=(const HeaderDecoder&) = delete;

  enum class Outcome : uint8_t { Done, Stopped, Invalid };
  // A whole block. After anything but Done the decoder must not be used again.
  Outcome decode(std::string_view block, FieldSink& sink);
  // When the peer has acknowledged the setting.
  void setTableSize(uint32_t size);

 private:
  nghttp2_hd_inflater* inflater_;
};

// The lines of one block to encode: views, in order.
class HeaderLines {
 public:
  // `never_indexed`: no table may keep it (RFC 7541 §7.1.3).
  void add(std::string_view name, std::string_view value, bool never_indexed = false);
  // ":status"; the digits are kept here.
  void addStatus(uint16_t status);

  const nghttp2_nv* data() const { return more_.empty() ? first_.data() : more_.data(); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kInline = 48;

  std::array<nghttp2_nv, kInline> first_;  // uninitialised on purpose
  std::vector<nghttp2_nv> more_;           // all of them, when they are more
  size_t size_ = 0;
  char status_[3];
};

class HeaderEncoder {
 public:
  // Uses no more than `most` bytes of table, whatever the peer allows.
  explicit HeaderEncoder(uint32_t most);
  ~HeaderEncoder();
  HeaderEncoder(const HeaderEncoder&) = delete;
  HeaderEncoder& operator=(const HeaderEncoder&) = delete;

  size_t bound(const HeaderLines& lines) const;
  // Returns the block's size; `room` is at least bound().
  size_t encode(const HeaderLines& lines, char* to, size_t room);
  // The peer's setting.
  void setTableSize(uint32_t size);

 private:
  nghttp2_hd_deflater* deflater_;
};

}  // namespace weir::codec
