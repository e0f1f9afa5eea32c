#include "source/codec/http1/body_decoder.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "source/codec/http1/field_section.h"
#include "source/codec/http1/token.h"
#include "source/codec/http1/trailer_names.h"

namespace weir::codec {

void BodyDecoder::begin(const Framing& framing, MessageType type, const BodyLimits& limits) {
  type_ = type;
  limits_ = limits;
  remaining_ = 0;
  extension_bytes_ = 0;
  extension_debt_ = 0;
  size_digits_ = 0;
  trailer_lines_ = LineEnds(true);
  trailer_bytes_.clear();
  switch (framing.body) {
    case BodyKind::None:
      state_ = State::Done;
      break;
    case BodyKind::Length:
      remaining_ = framing.length;
      state_ = remaining_ == 0 ? State::Done : State::Fixed;
      break;
    case BodyKind::Chunked:
      state_ = State::SizeFirst;
      break;
    case BodyKind::UntilClose:
    case BodyKind::Tunnel:
      state_ = State::UntilClose;
      break;
  }
}

BodyDecoder::Step BodyDecoder::step(std::string_view input, Fields* trailers) {
  if (state_ == State::Fixed) return takeData(input, 0, State::Done);
  if (state_ == State::UntilClose) {
    if (input.empty()) return {};
    return {Step::Data, input.size(), input, {}};
  }
  for (size_t at = 0;; ++at) {
    switch (state_) {
      case State::Done:
        return {Step::End, at, {}, {}};
      case State::Failed:
        return fail(fault_);
      case State::ChunkData:
        return takeData(input, at, State::DataCr);
      case State::Trailers:
        return takeTrailers(input, at, trailers);
      default:
        break;
    }
    if (at == input.size()) return {Step::NeedMore, at, {}, {}};
    if (const Fault fault = takeFraming(input[at]); fault != Fault::None) return fail(fault);
  }
}

BodyDecoder::Step BodyDecoder::onClose() {
  if (state_ == State::UntilClose || state_ == State::Done) {
    state_ = State::Done;
    return {Step::End, 0, {}, {}};
  }
  // RFC 9112 §8: fewer bytes than announced, or no last chunk.
  return fail(Fault::TruncatedBody);
}

BodyDecoder::Step BodyDecoder::takeData(std::string_view input, size_t from, State after) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(input.size() - from, remaining_));
  if (size == 0) return {Step::NeedMore, from, {}, {}};
  remaining_ -= size;
  extension_debt_ -= std::min<uint64_t>(extension_debt_, size);
  if (remaining_ == 0) state_ = after;
  return {Step::Data, from + size, input.substr(from, size), {}};
}

// One byte of what stands around the chunks (RFC 9112 §7.1).
Fault BodyDecoder::takeFraming(char byte) {
  switch (state_) {
    case State::SizeFirst:
    case State::SizeMore:
      return takeSize(byte);
    case State::Extension:
      return takeExtension(byte);
    case State::SizeLf:
      if (byte != '\n') return Fault::InvalidChunkSize;
      state_ = remaining_ == 0 ? State::Trailers : State::ChunkData;
      return Fault::None;
    case State::DataCr:
      state_ = State::DataLf;
      return byte == '\r' ? Fault::None : Fault::InvalidChunkEnd;
    default:
      state_ = State::SizeFirst;
      return byte == '\n' ? Fault::None : Fault::InvalidChunkEnd;
  }
}

// 1*16 hexadecimal digits and then CRLF or an extension at once: no sign, no prefix, no space.
Fault BodyDecoder::takeSize(char byte) {
  if (state_ == State::SizeFirst) {
    remaining_ = 0;
    size_digits_ = 0;
    extension_bytes_ = 0;
  }
  if (const int digit = hexOf(byte); digit >= 0) {
    state_ = State::SizeMore;
    if (++size_digits_ > 16) return Fault::ChunkSizeTooLarge;
    remaining_ = remaining_ << 4 | static_cast<uint64_t>(digit);
    return Fault::None;
  }
  if (state_ == State::SizeFirst) return Fault::InvalidChunkSize;
  if (remaining_ > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Fault::ChunkSizeTooLarge;
  }
  if (byte == '\r') {
    state_ = State::SizeLf;
    return Fault::None;
  }
  if (byte != ';') return Fault::InvalidChunkSize;
  state_ = State::Extension;
  return takeExtension(byte);
}

// RFC 9112 §7.1.1: extensions that are not known are ignored. A bare LF or another control byte in
// one is how "TERM.EXT" smuggling begins, so nothing but field text passes.
Fault BodyDecoder::takeExtension(char byte) {
  if (byte == '\r') {
    state_ = State::SizeLf;
    return Fault::None;
  }
  const auto code = static_cast<uint8_t>(byte);
  if ((code < 0x20 && byte != '\t') || code >= 0x7f) return Fault::InvalidChunkExtension;
  ++extension_debt_;
  if (++extension_bytes_ > limits_.max_chunk_extension_bytes ||
      extension_debt_ > limits_.max_free_extension_bytes) {
    return Fault::ChunkExtensionsTooLarge;
  }
  return Fault::None;
}

// RFC 9112 §7.1.2: field lines up to an empty line. They are kept until complete, as a line may
// come in pieces; the two bytes of the usual empty section fit into the string itself.
BodyDecoder::Step BodyDecoder::takeTrailers(std::string_view input, size_t from, Fields* trailers) {
  const size_t room = limits_.max_trailer_bytes - trailer_bytes_.size();
  const std::string_view bytes = input.substr(from, room);
  const LineEnds::Found found = trailer_lines_.feed(bytes.data(), bytes.size());
  if (found.fault != Fault::None) return fail(found.fault);
  const size_t used = found.size != 0 ? found.size : bytes.size();
  trailer_bytes_.append(bytes.substr(0, used));
  if (found.size == 0) {
    if (used == room) return fail(Fault::TrailersTooLarge);
    return {Step::NeedMore, input.size(), {}, {}};
  }
  if (trailer_bytes_.size() > 2) {
    if (const Fault fault = parseTrailers(trailers); fault != Fault::None) return fail(fault);
    state_ = State::Done;
    return {Step::Trailers, from + used, {}, {}};
  }
  state_ = State::Done;
  return {Step::End, from + used, {}, {}};
}

Fault BodyDecoder::parseTrailers(Fields* trailers) {
  char* data = trailer_bytes_.data();
  const size_t size = trailer_bytes_.size();
  if (trailers != nullptr) {
    data = static_cast<char*>(trailers->arena().allocate(size, 1));
    std::memcpy(data, trailer_bytes_.data(), size);
  }
  FieldSection section(data, size);
  for (uint32_t count = 0; !section.atEnd(); ++count) {
    if (count == limits_.max_trailers) return Fault::TooManyHeaders;
    Field field;
    if (const Fault fault = section.next(field); fault != Fault::None) return fault;
    switch (trailerRuleOf(field)) {
      case TrailerRule::Refuse:
        return Fault::ForbiddenTrailer;
      case TrailerRule::Drop:
        break;
      case TrailerRule::Keep:
        if (trailers != nullptr) trailers->append(field);
        break;
    }
  }
  return Fault::None;
}

BodyDecoder::Step BodyDecoder::fail(Fault fault) {
  state_ = State::Failed;
  fault_ = fault;
  return {Step::Error, 0, {}, errorOf(fault, type_)};
}

}  // namespace weir::codec
