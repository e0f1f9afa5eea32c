#include "source/codec/http2/frame_parser.h"

#include <algorithm>
#include <utility>

namespace weir::codec {
namespace {

using Step = FrameParser::Step;

Step errorStep(Http2Fault fault) {
  Step step;
  step.kind = Step::Error;
  step.fault = fault;
  return step;
}

Http2Fault sizeIs(const FrameHeader& header, uint32_t size) {
  return header.length == size ? Http2Fault::None : Http2Fault::InvalidFrameSize;
}

// RFC 9113 §6: which frames are a stream's and which the connection's.
Http2Fault checkStreamId(const FrameHeader& header) {
  if (header.type > static_cast<uint8_t>(FrameType::Continuation)) return Http2Fault::None;
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::Settings:
    case FrameType::Ping:
    case FrameType::Goaway:
      return header.stream == 0 ? Http2Fault::None : Http2Fault::InvalidStreamId;
    case FrameType::WindowUpdate:
      return Http2Fault::None;
    default:
      return header.stream != 0 ? Http2Fault::None : Http2Fault::InvalidStreamId;
  }
}

Http2Fault checkSize(const FrameHeader& header) {
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::Priority:
      return sizeIs(header, 5);
    case FrameType::RstStream:
    case FrameType::WindowUpdate:
      return sizeIs(header, 4);
    case FrameType::Ping:
      return sizeIs(header, 8);
    case FrameType::Settings:
      if (header.has(kFlagAck)) return sizeIs(header, 0);
      return header.length % 6 == 0 ? Http2Fault::None : Http2Fault::InvalidFrameSize;
    case FrameType::Goaway:
      return header.length >= 8 ? Http2Fault::None : Http2Fault::InvalidFrameSize;
    default:
      return Http2Fault::None;
  }
}

}  // namespace

Step FrameParser::next(std::string_view input) {
  if (block_.stream == 0 && fragments_.capacity() > std::string().capacity()) fragments_ = {};
  if (preface_left_ != 0) return readPreface(input);
  if (data_left_ != 0 || padding_left_ != 0) return data(input, 0, false);
  if (input.size() < kFrameHeaderSize) return {};
  const FrameHeader header = readFrameHeader(input.data());
  if (const Http2Fault fault = check(header); fault != Http2Fault::None) return errorStep(fault);
  if (header.is(FrameType::Data)) return beginData(input, header);
  const size_t size = kFrameHeaderSize + header.length;
  if (input.size() < size) return {};
  settings_seen_ = true;
  const std::string_view payload = input.substr(kFrameHeaderSize, header.length);
  Step step;
  if (header.is(FrameType::Headers)) {
    step = readHeaders(payload, header);
  } else if (header.is(FrameType::Continuation)) {
    step = readContinuation(payload, header);
  } else {
    step.kind = Step::Frame;
    step.header = header;
    step.bytes = payload;
  }
  step.consumed = size;
  return step;
}

// RFC 9113 §3.4. Told at the first byte that differs.
Step FrameParser::readPreface(std::string_view input) {
  const size_t n = std::min(input.size(), preface_left_);
  if (input.substr(0, n) != kClientPreface.substr(kClientPreface.size() - preface_left_, n)) {
    return errorStep(Http2Fault::BadPreface);
  }
  preface_left_ -= n;
  if (preface_left_ == 0) {
    Step step = next(input.substr(n));
    step.consumed += n;
    return step;
  }
  Step step;
  step.consumed = n;
  return step;
}

Http2Fault FrameParser::check(const FrameHeader& header) const {
  if (!settings_seen_ && (!header.is(FrameType::Settings) || header.has(kFlagAck))) {
    return Http2Fault::SettingsExpected;  // RFC 9113 §3.4
  }
  if (header.length > kMaxFrameSize) return Http2Fault::FrameTooLarge;
  // RFC 9113 §6.10: nothing comes between the frames of a block.
  const bool continuation = header.is(FrameType::Continuation);
  if (block_.stream != 0) {
    if (!continuation || header.stream != block_.stream) return Http2Fault::ContinuationExpected;
  } else if (continuation) {
    return Http2Fault::UnexpectedContinuation;
  }
  const Http2Fault fault = checkStreamId(header);
  return fault == Http2Fault::None ? checkSize(header) : fault;
}

Step FrameParser::beginData(std::string_view input, const FrameHeader& header) {
  uint32_t padding = 0;
  size_t taken = kFrameHeaderSize;
  uint32_t size = header.length;
  if (header.has(kFlagPadded)) {  // RFC 9113 §6.1
    if (size == 0) return errorStep(Http2Fault::InvalidFrameSize);
    if (input.size() == taken) return {};
    padding = static_cast<uint8_t>(input[taken]);
    if (padding >= size) return errorStep(Http2Fault::InvalidPadding);
    ++taken;
    size -= padding + 1;
  }
  data_ = header;
  data_left_ = size;
  padding_left_ = padding;
  return data(input, taken, true);
}

Step FrameParser::data(std::string_view input, size_t consumed, bool begins) {
  Step step;
  step.header = data_;
  step.begins = begins;
  if (begins) step.payload = data_left_;
  const bool has_payload = begins || data_left_ != 0;
  step.bytes = input.substr(consumed, data_left_);
  data_left_ -= static_cast<uint32_t>(step.bytes.size());
  consumed += step.bytes.size();
  step.last = has_payload && data_left_ == 0;
  if (data_left_ == 0) {
    const size_t n = std::min<size_t>(padding_left_, input.size() - consumed);
    padding_left_ -= static_cast<uint32_t>(n);
    consumed += n;
  }
  step.consumed = consumed;
  step.kind = begins || step.last || !step.bytes.empty() ? Step::Data : Step::NeedMore;
  return step;
}

Step FrameParser::readHeaders(std::string_view payload, const FrameHeader& header) {
  size_t padding = 0;
  if (header.has(kFlagPadded)) {
    if (payload.empty()) return errorStep(Http2Fault::InvalidFrameSize);
    padding = static_cast<uint8_t>(payload[0]);
    payload.remove_prefix(1);
  }
  block_depends_on_ = 0;
  if (header.has(kFlagPriority)) {
    if (payload.size() < 5) return errorStep(Http2Fault::InvalidFrameSize);
    block_depends_on_ = readUint32(payload.data()) & kMaxStreamId;
    payload.remove_prefix(5);
  }
  if (padding > payload.size()) return errorStep(Http2Fault::InvalidPadding);
  payload.remove_suffix(padding);
  block_ = header;
  continuations_ = 0;
  if (header.has(kFlagEndHeaders)) return endBlock(payload);
  fragments_.assign(payload);
  return {};
}

Step FrameParser::readContinuation(std::string_view payload, const FrameHeader& header) {
  if (++continuations_ > options_.max_continuations) {
    return errorStep(Http2Fault::ContinuationFlood);
  }
  // No encoder makes more of a head than its bytes.
  if (fragments_.size() + payload.size() > size_t{options_.max_head_bytes} + kMaxFrameSize) {
    return errorStep(Http2Fault::HeaderBlockTooLarge);
  }
  fragments_.append(payload);
  if (!header.has(kFlagEndHeaders)) return {};
  return endBlock(fragments_);
}

Step FrameParser::endBlock(std::string_view block) {
  Step step;
  step.kind = Step::Block;
  step.header = std::exchange(block_, {});
  step.depends_on = block_depends_on_;
  step.bytes = block;
  return step;
}

}  // namespace weir::codec
