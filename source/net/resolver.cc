#include "source/net/resolver.h"

#include <utility>

#include "source/net/dns_channel.h"

namespace weir::net {

std::string_view dnsErrorText(DnsError error) {
  switch (error) {
    case DnsError::None:
      return "no error";
    case DnsError::NotFound:
      return "no such name";
    case DnsError::NoData:
      return "the name has no address of this family";
    case DnsError::Timeout:
      return "no answer in time";
    case DnsError::Server:
      return "the name servers could not answer";
    case DnsError::BadName:
      return "not a name that DNS can carry";
  }
  return "";
}

Result<std::unique_ptr<Resolver>> Resolver::make(Loop& loop, ResolverSettings settings) {
  auto channel = std::make_unique<DnsChannel>(loop, std::move(settings));
  if (auto failed = channel->open()) return *std::move(failed);
  return std::unique_ptr<Resolver>(new Resolver(std::move(channel)));
}

Resolver::Resolver(std::unique_ptr<DnsChannel> channel) : channel_(std::move(channel)) {}

Resolver::~Resolver() = default;

DnsLookup Resolver::resolve(std::string_view name, AddressFamily family, DnsLookup::Callback done) {
  auto query = std::make_shared<DnsQuery>(
      DnsQuery{.name = std::string(name), .family = family, .done = std::move(done)});
  channel_->ask(query);
  return DnsLookup(std::move(query));
}

const ResolverSettings& Resolver::settings() const { return channel_->settings(); }

}  // namespace weir::net
