#include "source/codec/http1/encode.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cstring>

#include "source/codec/http1/header_id_set.h"
#include "source/codec/http1/token.h"
#include "weir/short_copy.h"

namespace weir::codec {
namespace {

// The framing and the connection are written from the arguments alone.
constexpr HeaderIdSet kNeverWritten = {HeaderId::TransferEncoding, HeaderId::Connection};

[[maybe_unused]] bool isOneLine(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}

  [[gnu::always_inline]] void put(std::string_view text) {
    copyShort(at_, text.data(), text.size());
    at_ += text.size();
  }
  // Of a size known when compiled: a store or two.
  template <size_t Size>
  void putLiteral(const char (&text)[Size]) {
    std::memcpy(at_, text, Size - 1);
    at_ += Size - 1;
  }
  // One line's worth of text.
  void putText(std::string_view text) {
    assert(isOneLine(text));
    if (!text.empty()) put(text);
  }
  void putByte(char byte) { *at_++ = byte; }
  char* at() const { return at_; }

 private:
  char* at_;
};

// Which fields are written: all but those whose id is in `skip`.
struct FieldLines {
  const Fields& fields;
  HeaderIdSet skip;

  bool isSkipped(const Field& field) const { return skip.has(field.id); }

  size_t size() const {
    size_t sum = 0;
    for (const Field& field : fields) {
      if (!isSkipped(field)) sum += size_t{field.name_size} + field.value_size + 4;
    }
    return sum;
  }

  void write(Writer& out) const {
    const Field* const end = fields.end();
    for (const Field* field = fields.begin(); field != end;) {
      if (isSkipped(*field)) {
        ++field;
      } else if ((field->flags & Field::kVerbatim) != 0) {
        field = writeRun(field, end, out);
      } else {
        writeOne(*field, out);
        ++field;
      }
    }
  }

 private:
  static void writeOne(const Field& field, Writer& out) {
    out.putText(field.name());
    out.putLiteral(": ");
    out.putText(field.value());
    out.putLiteral("\r\n");
  }

  // Copies the fields that stand next to each other as they were parsed; returns the one after.
  const Field* writeRun(const Field* field, const Field* end, Writer& out) const {
    const char* const from = field->name_data;
    const char* to = from;
    while (field != end && field->name_data == to && (field->flags & Field::kVerbatim) != 0 &&
           !isSkipped(*field)) {
      assert(isOneLine(field->name()) && isOneLine(field->value()));
      to = field->value_data + field->value_size + 2;
      ++field;
    }
    out.put({from, static_cast<size_t>(to - from)});
    return field;
  }
};

enum class LengthRule : uint8_t { Absent, AsGiven, Exactly };

// The lines that framing and connection ask for, and whether the fields' own content-length stays.
class FramingLines {
 public:
  FramingLines(const Fields& fields, LengthRule rule, uint64_t length, bool chunked,
               ConnectionOption connection)
      : connection_(connectionLine(connection)) {
    if (chunked) framing_ = "transfer-encoding: chunked\r\n";
    if (rule == LengthRule::AsGiven) return;
    if (rule == LengthRule::Exactly) {
      if (isOnlyLength(fields, length)) return;
      const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), length).ptr;
      length_ = {digits_.data(), static_cast<size_t>(end - digits_.data())};
    }
    skip_.add(HeaderId::ContentLength);
  }
  FramingLines(const FramingLines&) = delete;
  FramingLines& operator=(const FramingLines&) = delete;

  HeaderIdSet& skip() { return skip_; }

  size_t size() const {
    const size_t length = length_.empty() ? 0 : kLengthName.size() + length_.size() + 2;
    return length + framing_.size() + connection_.size();
  }

  void write(Writer& out) const {
    if (!length_.empty()) {
      out.put(kLengthName);
      out.put(length_);
      out.putLiteral("\r\n");
    }
    if (!framing_.empty()) out.put(framing_);
    if (!connection_.empty()) out.put(connection_);
  }

 private:
  static constexpr std::string_view kLengthName = "content-length: ";

  static std::string_view connectionLine(ConnectionOption option) {
    switch (option) {
      case ConnectionOption::None:
        return {};
      case ConnectionOption::Close:
        return "connection: close\r\n";
      case ConnectionOption::KeepAlive:
        return "connection: keep-alive\r\n";
      case ConnectionOption::Upgrade:
        return "connection: upgrade\r\n";
    }
    return {};
  }

  static bool isOnlyLength(const Fields& fields, uint64_t length) {
    if (!fields.has(HeaderId::ContentLength)) return false;
    size_t count = 0;
    bool same = true;
    for (const Field& field : fields) {
      if (field.id != HeaderId::ContentLength) continue;
      ++count;
      const bool canonical = field.value_size == 1 || !field.value().starts_with('0');
      same = same && canonical && decimalOf(field.value()) == length;
    }
    return count == 1 && same;
  }

  HeaderIdSet skip_ = kNeverWritten;
  std::array<char, 20> digits_;
  std::string_view length_;
  std::string_view framing_;
  std::string_view connection_;
};

LengthRule requestLengthRule(Method method, BodyKind body) {
  if (body == BodyKind::Length) return LengthRule::Exactly;
  const bool likely = method == Method::Post || method == Method::Put || method == Method::Patch;
  return body == BodyKind::None && likely ? LengthRule::Exactly : LengthRule::Absent;
}

LengthRule responseLengthRule(uint16_t status, Method request_method, BodyKind body) {
  if (body == BodyKind::Length) return LengthRule::Exactly;
  if (body != BodyKind::None) return LengthRule::Absent;
  const bool tunnel = request_method == Method::Connect && status / 100 == 2;
  if (status < 200 || status == 204 || tunnel) return LengthRule::Absent;
  if (request_method == Method::Head || status == 304) return LengthRule::AsGiven;
  return LengthRule::Exactly;
}

std::string_view targetOf(const RequestHead& head) {
  const std::string_view target = head.method == Method::Connect ? head.authority : head.path;
  return target.empty() ? "/" : target;
}

std::string_view reasonOf(const ResponseHead& head) {
  return head.reason.empty() ? reasonPhrase(head.status) : head.reason;
}

std::string_view finish(char* from, size_t size, [[maybe_unused]] const Writer& out) {
  assert(out.at() == from + size);
  return {from, size};
}

}  // namespace

size_t startLineSize(const RequestHead& head) {
  return head.method_name.size() + 1 + targetOf(head).size() +
         std::string_view(" HTTP/1.1\r\n").size();
}

size_t startLineSize(const ResponseHead& head) {
  return std::string_view("HTTP/1.1 200 ").size() + reasonOf(head).size() + 2;
}

std::string_view encodeRequestHead(const RequestHead& head, BodyKind body, uint64_t length,
                                   ConnectionOption connection, Arena& arena) {
  constexpr std::string_view kAfterTarget = " HTTP/1.1\r\nhost: ";
  FramingLines framing(head.fields, requestLengthRule(head.method, body),
                       body == BodyKind::Length ? length : 0, body == BodyKind::Chunked,
                       connection);
  framing.skip().add(HeaderId::Host);
  if (connection != ConnectionOption::Upgrade) framing.skip().add(HeaderId::Upgrade);
  const FieldLines fields{head.fields, framing.skip()};
  const std::string_view target = targetOf(head);

  const size_t size = head.method_name.size() + 1 + target.size() + kAfterTarget.size() +
                      head.authority.size() + 2 + fields.size() + framing.size() + 2;
  auto* const from = static_cast<char*>(arena.allocate(size, 1));
  Writer out(from);
  out.putText(head.method_name);
  out.putByte(' ');
  out.putText(target);
  out.put(kAfterTarget);
  out.putText(head.authority);
  out.putLiteral("\r\n");
  fields.write(out);
  framing.write(out);
  out.putLiteral("\r\n");
  return finish(from, size, out);
}

std::string_view encodeResponseHead(const ResponseHead& head, BodyKind body, uint64_t length,
                                    Method request_method, ConnectionOption connection,
                                    Arena& arena) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  assert(head.status >= 100 && head.status <= 999);
  FramingLines framing(head.fields, responseLengthRule(head.status, request_method, body),
                       body == BodyKind::Length ? length : 0, body == BodyKind::Chunked,
                       connection);
  const FieldLines fields{head.fields, framing.skip()};
  const std::string_view reason = reasonOf(head);

  const size_t size = kVersion.size() + 4 + reason.size() + 2 + fields.size() + framing.size() + 2;
  auto* const from = static_cast<char*>(arena.allocate(size, 1));
  Writer out(from);
  out.put(kVersion);
  out.putByte(static_cast<char>('0' + head.status / 100));
  out.putByte(static_cast<char>('0' + head.status / 10 % 10));
  out.putByte(static_cast<char>('0' + head.status % 10));
  out.putByte(' ');
  out.putText(reason);
  out.putLiteral("\r\n");
  fields.write(out);
  framing.write(out);
  out.putLiteral("\r\n");
  return finish(from, size, out);
}

size_t encodeChunkHeader(char (&out)[20], uint64_t size) {
  char* const end = std::to_chars(out, out + 16, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  return static_cast<size_t>(end - out) + 2;
}

std::string_view encodeTrailers(const Fields& trailers, Arena& arena) {
  if (trailers.empty()) return kLastChunk;
  HeaderIdSet skip = kNeverWritten;
  skip.add(HeaderId::ContentLength);
  skip.add(HeaderId::Host);
  const FieldLines fields{trailers, skip};
  const size_t size = 3 + fields.size() + 2;
  auto* const from = static_cast<char*>(arena.allocate(size, 1));
  Writer out(from);
  out.putLiteral("0\r\n");
  fields.write(out);
  out.putLiteral("\r\n");
  return finish(from, size, out);
}

}  // namespace weir::codec
