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
    remote_size_ = static_cast<uint8_t>(remote_text.size());  // a unix path has at most 107 bytes
    local_size_ = static_cast<uint8_t>(local_text.size());
    text_ = std::make_unique<char[]>(remote_text.size() + local_text.size());
    std::memcpy(text_.get(), remote_text.data(), remote_size_);
    std::memcpy(text_.get() + remote_size_, local_text.data(), local_size_);
    remote_port_ = remote.port();
    local_port_ = local.port();
    is_unix_ = remote.isUnix();
    is_private_ = remote.isPrivate();
  }

  Peer remote() const { return peer({text_.get(), remote_size_}, remote_port_); }
  Peer local() const { return peer({text_.get() + remote_size_, local_size_}, local_port_); }

 private:
  Peer peer(std::string_view address, uint16_t port) const {
    std::string_view ip = address;
    if (!is_unix_) ip = ip.substr(0, ip.rfind(':'));
    if (!ip.empty() && ip.front() == '[') ip = ip.substr(1, ip.size() - 2);
    return {address, ip, port, is_private_};
  }

  std::unique_ptr<char[]> text_;
  uint8_t remote_size_ = 0;
  uint8_t local_size_ = 0;
  uint16_t remote_port_ = 0;
  uint16_t local_port_ = 0;
  bool is_unix_ = false;
  bool is_private_ = false;
};

}  // namespace weir::stream
