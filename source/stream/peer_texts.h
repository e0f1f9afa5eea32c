// PeerTexts keeps a connection's two addresses as text, in one block of memory, while it lives.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "source/net/address.h"
#include "weir/stream_info.h"

namespace weir::stream {

class PeerTexts {
 public:
  PeerTexts(const net::Address& remote, const net::Address& local) {
    const std::string remote_text = remote.text();
    const std::string local_text = local.text();
    text_ = std::make_unique<char[]>(remote_text.size() + local_text.size());
    std::memcpy(text_.get(), remote_text.data(), remote_text.size());
    std::memcpy(text_.get() + remote_text.size(), local_text.data(), local_text.size());
    remote_ = partsOf(remote_text, remote);
    local_ = partsOf(local_text, local);
    is_private_ = remote.isPrivate();
  }

  Peer remote() const { return peer(text_.get(), remote_); }
  Peer local() const { return peer(text_.get() + remote_.size, local_); }

 private:
  // Where the address without port stands in the text. A unix path has at most 107 bytes.
  struct Parts {
    uint8_t size = 0;
    uint8_t ip = 0;
    uint8_t ip_size = 0;
    uint16_t port = 0;
  };

  static Parts partsOf(std::string_view text, const net::Address& address) {
    const auto size = static_cast<uint8_t>(text.size());
    if (address.isUnix()) return {size, 0, size, 0};
    const auto colon = static_cast<uint8_t>(text.rfind(':'));
    const bool bracketed = text.front() == '[';
    return {size, static_cast<uint8_t>(bracketed ? 1 : 0),
            static_cast<uint8_t>(bracketed ? colon - 2 : colon), address.port()};
  }
  Peer peer(const char* text, const Parts& parts) const {
    return {{text, parts.size}, {text + parts.ip, parts.ip_size}, parts.port, is_private_};
  }

  std::unique_ptr<char[]> text_;
  Parts remote_;
  Parts local_;
  bool is_private_ = false;
};

}  // namespace weir::stream
