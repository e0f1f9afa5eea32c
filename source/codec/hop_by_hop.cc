#include "source/codec/hop_by_hop.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

constexpr std::array<std::string_view, 10> kProtected = {
    "authorization",   "content-length",   "cookie",           "forwarded",        "host", "via",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"};

// More options than any sender has reason to list; bounds the work of removing them.
constexpr size_t kMaxOptions = 32;

std::string_view lowerCopy(std::string_view text, Arena& arena) {
  auto* const to = static_cast<char*>(arena.allocate(text.size(), 1));
  for (size_t i = 0; i < text.size(); ++i) to[i] = lowerOf(text[i]);
  return {to, text.size()};
}

// What the Connection fields list, lower-cased, in the arena.
class ConnectionOptions {
 public:
  Fault read(const Fields& fields) {
    for (const Field& field : fields) {
      if (field.id != HeaderId::Connection) continue;
      std::string_view list = lowerCopy(field.value(), fields.arena());
      while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        const std::string_view option = trimmed(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (option.empty()) continue;
        const bool refused =
            std::find(kProtected.begin(), kProtected.end(), option) != kProtected.end();
        if (refused || size_ == kMaxOptions) return Fault::ConnectionHeaderRejected;
        options_[size_++] = option;
      }
    }
    return Fault::None;
  }

  const std::string_view* begin() const { return options_.data(); }
  const std::string_view* end() const { return options_.data() + size_; }

 private:
  std::array<std::string_view, kMaxOptions> options_;
  size_t size_ = 0;
};

// RFC 9110 §10.1.4: TE is for this hop; of what it may say, the next hop is told of trailers only.
void stripTe(Fields& fields) {
  bool trailers = false;
  for (const Field& field : fields) {
    if (field.id != HeaderId::Te) continue;
    std::string_view list = field.value();
    while (!list.empty()) {
      const size_t comma = std::min(list.find(','), list.size());
      trailers = trailers || equalsIgnoreCase(trimmed(list.substr(0, comma)), "trailers");
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  if (trailers) {
    fields.setView(HeaderId::Te, "trailers");
  } else {
    fields.remove(HeaderId::Te);
  }
}

}  // namespace

ParseError stripHopByHop(Fields& fields, MessageType type, UpgradeField upgrade) {
  if (fields.has(HeaderId::Connection)) {
    ConnectionOptions options;
    if (const Fault fault = options.read(fields); fault != Fault::None) {
      return errorOf(fault, type);
    }
    fields.remove(HeaderId::Connection);
    for (std::string_view option : options) {
      // These two have rules of their own below.
      if (option != "te" && option != "upgrade") fields.remove(option);
    }
  }
  fields.remove(HeaderId::KeepAlive);
  fields.remove(HeaderId::ProxyConnection);
  fields.remove(HeaderId::TransferEncoding);
  if (upgrade == UpgradeField::Strip && fields.has(HeaderId::Upgrade)) {
    fields.remove(HeaderId::Upgrade);
    fields.remove("http2-settings");  // RFC 7540 §3.2.1: goes with it, also where nobody listed it
  }
  if (fields.has(HeaderId::Te)) stripTe(fields);
  return {};
}

}  // namespace weir::codec
