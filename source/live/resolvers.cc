#include "source/live/resolvers.h"

#include "source/live/log.h"

namespace weir::live {

net::Resolver* Resolvers::find(const net::ResolverSettings& settings, const std::string& cluster) {
  for (auto& [known, resolver] : all_) {
    if (known == settings) return resolver.get();
  }
  auto made = net::Resolver::make(loop_, settings);
  if (!made) {
    upstreamLog().error("cluster '{}': no DNS: {}", cluster, made.error().text);
    return nullptr;
  }
  all_.emplace_back(settings, *std::move(made));
  return all_.back().second.get();
}

}  // namespace weir::live
