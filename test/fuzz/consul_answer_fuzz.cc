// Any bytes as what Consul says of a service's instances. Byte 0 is how they are read.
#include <algorithm>

#include "source/consul/answer.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

void run(std::string_view json, uint8_t how) {
  using consul::ReadOptions;
  ReadOptions options;
  options.address = static_cast<ReadOptions::From>((how >> 1) % 3);
  options.tag = "lan";
  options.passing_only = (how & 1) != 0;
  auto answer = consul::readAnswer(json, options);
  if (!answer) return require(!answer.error().text.empty(), "says why");

  auto& instances = answer->instances;
  require(instances.size() + answer->dropped.size() <= consul::kMostInstances,
          "no more than may be");
  std::vector<std::string> addresses;
  for (const consul::Instance& each : instances) {
    require(each.address.port() != 0, "has a port");
    require(!options.passing_only || each.status == consul::Status::Passing, "passes");
    addresses.push_back(each.address.text());
  }
  std::sort(addresses.begin(), addresses.end());
  require(std::adjacent_find(addresses.begin(), addresses.end()) == addresses.end(),
          "an address is there once");
  const uint64_t hash = consul::hashOf(instances);
  std::reverse(instances.begin(), instances.end());
  require(consul::hashOf(instances) == hash, "the order does not count");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  return 0;
}
