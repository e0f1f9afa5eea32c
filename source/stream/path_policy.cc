#include "source/stream/path_policy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/codec/http1/token.h"
#include "weir/grpc.h"

namespace weir::stream {
namespace {

constexpr std::string_view kFailed = "path_normalization_failed";

// What normalization does with a byte of a path.
enum class PathByte : uint8_t {
  Keep,        // stands for itself, and %XX of it stays as it is
  Unreserved,  // RFC 3986 §2.3: %XX of it is decoded
  Escape,      // may not stand in a path (RFC 3986 §3.3) and becomes %XX
  Special,     // '%', '\' and '.'
};

constexpr std::array<PathByte, 256> makePathBytes() {
  std::array<PathByte, 256> table{};
  const auto at = [&](int c) -> PathByte& { return table[static_cast<size_t>(c)]; };
  for (int c = 0; c < 256; ++c) at(c) = c <= 0x20 || c >= 0x7f ? PathByte::Escape : PathByte::Keep;
  for (int c = '0'; c <= '9'; ++c) at(c) = PathByte::Unreserved;
  for (int c = 'a'; c <= 'z'; ++c) at(c) = PathByte::Unreserved;
  for (int c = 'A'; c <= 'Z'; ++c) at(c) = PathByte::Unreserved;
  for (char c : std::string_view("-_~")) at(c) = PathByte::Unreserved;
  for (char c : std::string_view("\"<>^`{|}")) at(c) = PathByte::Escape;
  for (char c : std::string_view("%\\.")) at(c) = PathByte::Special;
  return table;
}
constexpr std::array<PathByte, 256> kPathBytes = makePathBytes();

PathByte kindOf(char c) { return kPathBytes[static_cast<uint8_t>(c)]; }

struct Parts {
  std::string_view path;
  std::string_view query;  // with its '?'
};

Parts split(std::string_view target) {
  const size_t end = std::min(target.find('?'), target.size());
  return {target.substr(0, end), target.substr(end)};
}

bool isSlash(char c) { return c == '/' || c == '\\'; }

// The byte that %XX at `at` stands for, or -1.
int unescaped(std::string_view text, size_t at) {
  if (at + 2 >= text.size() || text[at] != '%') return -1;
  const int high = codec::hexOf(text[at + 1]);
  const int low = codec::hexOf(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Length of the dot at `at`, "." or "%2e"; 0 when there is none.
size_t dotAt(std::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  if (text[at] == '.') return 1;
  return unescaped(text, at) == '.' ? 3 : 0;
}

// Whether "/." or anything else in a path is not yet as normalization would leave it. A dot inside
// a segment ("/a.html") is not looked at twice.
bool needsNormalizing(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    const PathByte kind = kindOf(path[i]);
    if (kind == PathByte::Keep || kind == PathByte::Unreserved) continue;
    if (path[i] != '.' || (i > 0 && path[i - 1] == '/')) return true;
  }
  return false;
}

// Writes the canonical form of one path. The room it is given must hold three times the path.
class Normalizer {
 public:
  Normalizer(std::string_view in, char* out) : in_(in), begin_(out), out_(out) {}

  // False when the path holds %00.
  bool run() {
    while (at_ < in_.size()) {
      const char c = in_[at_];
      if (size_t dot = dotAt(in_, at_); dot > 0) {
        putDot(dot);
      } else if (c == '\\') {
        put('/');
      } else if (c == '%') {
        if (!putEscaped()) return false;
      } else if (kindOf(c) == PathByte::Escape) {
        putEscape(c);
      } else {
        put(c);
      }
    }
    return true;
  }
  char* end() const { return out_; }

 private:
  void put(char c) {
    *out_++ = c;
    ++at_;
  }

  void putEscape(char c) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    const auto byte = static_cast<uint8_t>(c);
    *out_++ = '%';
    *out_++ = kHex[byte >> 4];
    *out_++ = kHex[byte & 15];
    ++at_;
  }

  // RFC 3986 §6.2.2.2. A '%' that begins no escape stays, as browsers leave it.
  bool putEscaped() {
    const int byte = unescaped(in_, at_);
    if (byte == 0) return false;
    if (byte > 0 && kindOf(static_cast<char>(byte)) == PathByte::Unreserved) {
      *out_++ = static_cast<char>(byte);
      at_ += 3;
      return true;
    }
    const size_t size = byte < 0 ? 1 : 3;
    std::memcpy(out_, in_.data() + at_, size);
    out_ += size;
    at_ += size;
    return true;
  }

  // RFC 3986 §5.2.4, for a segment that begins with this dot.
  void putDot(size_t dot) {
    if (out_ != begin_ && out_[-1] == '/') {
      if (const auto end = segmentEnd(at_ + dot)) {
        at_ = *end;
        return;
      }
      if (const size_t second = dotAt(in_, at_ + dot); second > 0) {
        if (const auto end = segmentEnd(at_ + dot + second)) {
          at_ = *end;
          backUp();
          return;
        }
      }
    }
    *out_++ = '.';
    at_ += dot;
  }

  // Where to go on when a segment of dots ends at `at`: behind its slash.
  // Its parameters (";x=y") are not known to RFC 3986, but servlet containers cut them off before
  // they resolve dots, so "..;" unresolved is a way around every rule on paths. Envoy sees those
  // of dots that are not escaped; so do we.
  std::optional<size_t> segmentEnd(size_t at) const {
    if (at < in_.size() && in_[at] == ';' && dotsArePlain(at)) {
      at = std::min(in_.find('/', at), in_.size());
    }
    if (at >= in_.size()) return at;
    return isSlash(in_[at]) ? std::optional(at + 1) : std::nullopt;
  }

  bool dotsArePlain(size_t end) const {
    const std::string_view segment = in_.substr(0, end);
    return segment.ends_with("/.") || segment.ends_with("/..");
  }

  // Removes the segment before the slash just written.
  void backUp() {
    if (out_ - begin_ <= 1) return;
    --out_;
    while (out_[-1] != '/') --out_;
  }

  std::string_view in_;
  size_t at_ = 0;
  char* begin_;
  char* out_;
};

bool normalizePath(std::string_view& target, Arena& arena) {
  const Parts parts = split(target);
  if (!needsNormalizing(parts.path)) return true;
  auto* room = static_cast<char*>(arena.allocate(parts.path.size() * 3 + parts.query.size(), 1));
  Normalizer normalizer(parts.path, room);
  if (!normalizer.run()) return false;
  char* end = std::copy(parts.query.begin(), parts.query.end(), normalizer.end());
  target = {room, static_cast<size_t>(end - room)};
  return true;
}

// Envoy's rule: a first and a last slash always stay, so "//" remains "//".
void mergeSlashes(std::string_view& target, Arena& arena) {
  const Parts parts = split(target);
  if (parts.path.find("//") == std::string_view::npos) return;
  auto* room = static_cast<char*>(arena.allocate(target.size(), 1));
  char* to = room;
  std::string_view rest = parts.path;
  const bool last = rest.back() == '/';
  *to++ = '/';
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    if (rest.empty()) break;
    if (to != room + 1) *to++ = '/';
    const std::string_view segment = rest.substr(0, rest.find('/'));
    to = std::copy(segment.begin(), segment.end(), to);
    rest.remove_prefix(segment.size());
  }
  if (last) *to++ = '/';
  to = std::copy(parts.query.begin(), parts.query.end(), to);
  target = {room, static_cast<size_t>(to - room)};
}

bool unescapeSlashes(std::string_view& target, Arena& arena) {
  const Parts parts = split(target);
  const auto slashAt = [&](size_t at) {
    const int byte = unescaped(parts.path, at);
    return byte == '/' || byte == '\\' ? static_cast<char>(byte) : '\0';
  };
  size_t at = parts.path.find('%');
  while (at != std::string_view::npos && slashAt(at) == '\0') at = parts.path.find('%', at + 1);
  if (at == std::string_view::npos) return false;
  auto* room = static_cast<char*>(arena.allocate(target.size(), 1));
  char* to = std::copy(parts.path.begin(), parts.path.begin() + at, room);
  while (at < parts.path.size()) {
    const char slash = slashAt(at);
    *to++ = slash != '\0' ? slash : parts.path[at];
    at += slash != '\0' ? 3 : 1;
  }
  to = std::copy(parts.query.begin(), parts.query.end(), to);
  target = {room, static_cast<size_t>(to - room)};
  return true;
}

// A Location that begins with "//" or "/\" names another host (RFC 3986 §4.2): with a dot segment
// in front it names the same path on this one.
std::string_view locationOf(std::string_view path, Arena& arena) {
  return path.size() > 1 && isSlash(path[1]) ? arena.concat("/.", path) : path;
}

PathVerdict rejected() { return {PathVerdict::Kind::Reject, {}, kFailed}; }

}  // namespace

Result<PathPolicy> PathPolicy::from(const Hcm& proto) {
  if (proto.has_path_normalization_options()) {
    return Error{"path_normalization_options",
                 "is not supported: use normalize_path, merge_slashes and "
                 "path_with_escaped_slashes_action, which act for filters and forwarding alike"};
  }
  PathPolicy policy;
  policy.normalize = proto.normalize_path().value();
  policy.merge_slashes = proto.merge_slashes();
  switch (proto.path_with_escaped_slashes_action()) {
    case Hcm::REJECT_REQUEST:
      policy.escaped_slashes = EscapedSlashes::Reject;
      break;
    case Hcm::UNESCAPE_AND_REDIRECT:
      policy.escaped_slashes = EscapedSlashes::UnescapeAndRedirect;
      break;
    case Hcm::UNESCAPE_AND_FORWARD:
      policy.escaped_slashes = EscapedSlashes::UnescapeAndForward;
      break;
    default:
      break;  // KEEP_UNCHANGED, and what Envoy does by default
  }
  return policy;
}

PathVerdict PathPolicy::apply(RequestHead& head, Arena& arena) const {
  // A client keeps its fragment to itself (RFC 9110 §7.1).
  if (head.path.find('#') != std::string_view::npos) return rejected();
  if (!head.path.starts_with('/')) return {};
  bool redirect = false;
  if (escaped_slashes != EscapedSlashes::Keep && unescapeSlashes(head.path, arena)) {
    if (escaped_slashes == EscapedSlashes::Reject) return rejected();
    redirect = escaped_slashes == EscapedSlashes::UnescapeAndRedirect;
  }
  if (normalize && !normalizePath(head.path, arena)) return rejected();
  // After normalization, which may have made slashes meet.
  if (merge_slashes) mergeSlashes(head.path, arena);
  if (!redirect) return {};
  if (grpc::isGrpc(head.fields)) return rejected();
  return {PathVerdict::Kind::Redirect, locationOf(head.path, arena), kFailed};
}

}  // namespace weir::stream
