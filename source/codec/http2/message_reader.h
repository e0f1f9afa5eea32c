// Readers turn the fields of a decoded header block into a RequestHead, a ResponseHead or trailers,
// and say what is wrong with them (RFC 9113 §8.2, §8.3). After the first fault they still take the
// rest, as the decoder has to see the whole block, but keep nothing. Internal to the codec.
//
// Use: HeaderDecoder::decode(block, reader), then finish().
#pragma once

#include <cstdint>
#include <string_view>

#include "source/codec/http2/fault.h"
#include "source/codec/http2/hpack.h"
#include "source/codec/http2/options.h"
#include "weir/head.h"

namespace weir::codec {

// Fields that nobody wants. Also the part all readers share: how much a block may hold.
class FieldReader : public FieldSink {
 public:
  explicit FieldReader(const Http2Options& options) : options_(options) {}

  bool onField(std::string_view name, std::string_view value) final;

 protected:
  ~FieldReader() = default;

  // Called until a fault is noted. `name` is never empty.
  virtual Http2Fault onPseudo(std::string_view name, std::string_view value) = 0;
  virtual Http2Fault onRegular(Field& field) = 0;
  virtual Fields* fields() = 0;
  virtual Http2Fault tooLarge() const { return Http2Fault::HeadersTooLarge; }
  virtual Http2Fault tooMany() const { return Http2Fault::TooManyHeaders; }

  void note(Http2Fault fault) {
    if (fault_ == Http2Fault::None) fault_ = fault;
  }
  Http2Fault noteLength(std::string_view value);
  // As an answerable fault is only a refusal, one that makes the block malformed is the graver.
  bool isMalformed() const { return fault_ != Http2Fault::None && !isAnswerable(fault_); }

  const Http2Options& options_;
  Http2Fault fault_ = Http2Fault::None;
  bool regular_seen_ = false;
  int64_t content_length_ = -1;
  uint32_t crumbs_ = 0;

 private:
  // What a block may hold beyond the limit before the connection is given up (an HPACK bomb).
  static constexpr uint64_t kBombFactor = 8;

  Http2Fault readRegular(std::string_view name, std::string_view value);

  uint64_t bytes_ = 0;
  uint32_t count_ = 0;
};

class SkippedReader final : public FieldReader {
 public:
  using FieldReader::FieldReader;

 private:
  Http2Fault onPseudo(std::string_view, std::string_view) override { return Http2Fault::None; }
  Http2Fault onRegular(Field&) override { return Http2Fault::None; }
  Fields* fields() override { return nullptr; }
};

class RequestReader final : public FieldReader {
 public:
  RequestReader(const Http2Options& options, RequestHead& head)
      : FieldReader(options), head_(head) {
    head_.protocol = Protocol::Http2;
  }

  Http2Fault finish();
  int64_t contentLength() const { return content_length_; }  // -1: none
  // Extended CONNECT (RFC 8441 §4): the head is a GET with an `upgrade` field, as in HTTP/1.1.
  bool isUpgrade() const { return has_protocol_; }

 private:
  Http2Fault onPseudo(std::string_view name, std::string_view value) override;
  Http2Fault onRegular(Field& field) override;
  Fields* fields() override { return &head_.fields; }
  Http2Fault readMethod(std::string_view value);
  Http2Fault readScheme(std::string_view value);
  Http2Fault finishTarget();
  Http2Fault finishAuthority();
  void joinCrumbs();

  RequestHead& head_;
  std::string_view host_;
  std::string_view protocol_;
  bool has_method_ = false;
  bool has_scheme_ = false;
  bool has_path_ = false;
  bool has_authority_ = false;
  bool has_protocol_ = false;
  bool has_host_ = false;
};

class ResponseReader final : public FieldReader {
 public:
  ResponseReader(const Http2Options& options, ResponseHead& head)
      : FieldReader(options), head_(head) {
    head_.protocol = Protocol::Http2;
  }

  Http2Fault finish();
  int64_t contentLength() const { return content_length_; }  // -1: none

 private:
  Http2Fault onPseudo(std::string_view name, std::string_view value) override;
  Http2Fault onRegular(Field& field) override;
  Fields* fields() override { return &head_.fields; }

  ResponseHead& head_;
  bool has_status_ = false;
};

class TrailerReader final : public FieldReader {
 public:
  TrailerReader(const Http2Options& options, Fields& trailers)
      : FieldReader(options), trailers_(trailers) {}

  Http2Fault finish() const { return fault_; }

 private:
  Http2Fault onPseudo(std::string_view, std::string_view) override {
    return Http2Fault::UnknownPseudoHeader;
  }
  Http2Fault onRegular(Field& field) override;
  Fields* fields() override { return &trailers_; }
  Http2Fault tooLarge() const override { return Http2Fault::TrailersTooLarge; }
  Http2Fault tooMany() const override { return Http2Fault::TrailersTooLarge; }

  Fields& trailers_;
};

}  // namespace weir::codec
