// What look-ups answer, made from literals and from c-ares' results. Pure, but for dropUnroutable.
#pragma once

#include <ares.h>

#include <optional>
#include <string_view>

#include "source/net/resolver.h"

namespace weir::net {

// The answer to a numeric address, brackets optional: itself, whatever the servers would say, or
// NoData where only the other family is wanted. Nothing if `name` is a name.
std::optional<DnsAnswer> literalAnswer(std::string_view name, AddressFamily family);

// `info` may be null where `status` is an error.
DnsAnswer readAnswer(int status, const ares_addrinfo* info);

// Adds what a second family said to what the first one did: IPv4 before IPv6. Addresses of one make
// the whole a success; without any, the error is the one that leaves most open (no answer before
// "no such name"), so that half an answer is never taken for a definite no.
void mergeAnswer(DnsAnswer& into, DnsAnswer from);

// Drops the addresses of a family for which no interface but loopback has an address; loopback
// addresses stay.
void dropUnroutable(DnsAnswer& answer);

}  // namespace weir::net
