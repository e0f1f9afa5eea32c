// The Identities that are in use, by what they were read from: a certificate that a hundred filter
// chains show is read and held once. Of the content only a digest is kept. Main thread; that the
// last user of one goes may happen on any.
#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <string_view>

#include "source/transport/tls/identity.h"

namespace weir::transport {

class Identities {
 public:
  using Digest = std::array<unsigned char, 32>;

  // Of all parts, in their order, each with its length.
  static Digest digestOf(std::initializer_list<std::string_view> parts);

  // Null: nobody uses it.
  std::shared_ptr<const Identity> find(const Digest& digest) const;
  void add(const Digest& digest, const std::shared_ptr<const Identity>& identity);
  size_t size() const { return known_.size(); }  // with some that nobody uses any more

 private:
  std::map<Digest, std::weak_ptr<const Identity>> known_;
  size_t swept_at_ = 0;  // what was left then
};

}  // namespace weir::transport
