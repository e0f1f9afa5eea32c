// A FrameParser takes frames out of the bytes of a connection (RFC 9113 §4.1) and checks what can
// be checked without knowing any stream: sizes, which frames belong to streams, padding, and that a
// header block's frames follow each other. DATA passes in pieces, as it arrives; every other frame
// comes whole, header blocks put together from their frames.
//
// Bytes of an incomplete frame are left to the caller, who offers them again with more; only the
// fragments of a block that takes several frames are kept here. Pure; one connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/codec/http2/fault.h"
#include "source/codec/http2/frame.h"
#include "source/codec/http2/options.h"

namespace weir::codec {

class FrameParser {
 public:
  struct Step {
    enum Kind : uint8_t {
      NeedMore,
      Frame,  // `bytes` is the payload of a frame that is none of the following
      Block,  // `bytes` is a whole header block; `header` is that of its HEADERS frame
      Data,   // `bytes` is the next piece of the payload, perhaps empty
      Error,
    };
    Kind kind = NeedMore;
    Http2Fault fault = Http2Fault::None;
    bool begins = false;      // Data: the first piece of its frame
    bool last = false;        // Data: the payload ends with this piece
    uint32_t payload = 0;     // Data: the size of the whole payload, without padding
    uint32_t depends_on = 0;  // Block: the stream it depends on (RFC 7540 §5.3.1); 0: none
    size_t consumed = 0;
    FrameHeader header;
    std::string_view bytes;
  };

  // `with_preface`: a server's, which first expects the client's preface.
  FrameParser(const Http2Options& options, bool with_preface)
      : options_(options), preface_left_(with_preface ? kClientPreface.size() : 0) {}

  // The views live until the next call, and as long as `input` does.
  Step next(std::string_view input);
  // CONTINUATION is to follow.
  bool insideBlock() const { return block_.stream != 0; }

 private:
  Step readPreface(std::string_view input);
  Http2Fault check(const FrameHeader& header) const;
  Step beginData(std::string_view input, const FrameHeader& header);
  Step data(std::string_view input, size_t consumed, bool begins);
  Step readHeaders(std::string_view payload, const FrameHeader& header);
  Step readContinuation(std::string_view payload, const FrameHeader& header);
  Step endBlock(std::string_view block);

  const Http2Options& options_;
  size_t preface_left_;
  bool settings_seen_ = false;
  // A DATA frame that is being read.
  FrameHeader data_;
  uint32_t data_left_ = 0;
  uint32_t padding_left_ = 0;
  // A header block that is being put together: of `block_.stream`, which is not 0.
  FrameHeader block_;
  uint32_t block_depends_on_ = 0;
  uint32_t continuations_ = 0;
  std::string fragments_;
};

}  // namespace weir::codec
