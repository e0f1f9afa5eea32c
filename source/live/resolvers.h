// Resolvers are the ways in which names are looked up: one Resolver for each set of settings. Main
// thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/net/loop.h"
#include "source/net/resolver.h"

namespace weir::live {

class Resolvers {
 public:
  explicit Resolvers(net::Loop& loop) : loop_(loop) {}

  // Null, and logged: there can be none.
  net::Resolver* find(const net::ResolverSettings& settings, const std::string& cluster);

 private:
  net::Loop& loop_;
  std::vector<std::pair<net::ResolverSettings, std::unique_ptr<net::Resolver>>> all_;
};

}  // namespace weir::live
