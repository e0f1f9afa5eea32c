// Prints what one RouteTable::find() costs, in nanoseconds, for tables of 1 to 100,000 routes; and
// how long and how large a table is to build. Not a test: run it by hand from a release build.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <random>

#include "source/router/recording_build.h"

namespace weir::router {
namespace {

using Clock = std::chrono::steady_clock;
namespace route = envoy::config::route::v3;

enum class Shape { Exact, Prefix, TenthRegex };

double nanoseconds(Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count();
}

std::string base(uint32_t i) { return "/service-" + std::to_string(i * 7919u % 1000003u); }

route::RouteConfiguration tableOf(Shape shape, uint32_t count) {
  route::RouteConfiguration proto;
  auto* host = proto.add_virtual_hosts();
  host->set_name("v");
  host->add_domains("*.example.com");
  for (uint32_t i = 0; i < count; ++i) {
    auto* made = host->add_routes();
    made->mutable_route()->set_cluster("c");
    auto* match = made->mutable_match();
    if (shape == Shape::Exact) {
      match->set_path(base(i) + "/v1/items");
    } else if (shape == Shape::Prefix || i % 10 != 9) {
      match->set_prefix(base(i) + "/");
    } else {
      match->mutable_safe_regex()->set_regex(base(i) + "/v[0-9]+/items");
    }
  }
  return proto;
}

void measure(const char* name, Shape shape, uint32_t count) {
  const auto proto = tableOf(shape, count);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto start = Clock::now();
  RecordingBuild build;
  const auto table = RouteTable::from(proto, build);
  const double build_ms = nanoseconds(Clock::now() - start) / 1e6;
  getrusage(RUSAGE_SELF, &after);

  constexpr size_t kRequests = 4096;
  ChunkPool pool;
  Arena arena(pool);
  std::mt19937 random(1);
  std::vector<RequestHead> heads;
  for (size_t i = 0; i < kRequests; ++i) {
    RequestHead& head = heads.emplace_back(arena);
    head.setMethod("GET");
    head.authority = "www.example.com";
    head.path = arena.copy(base(static_cast<uint32_t>(random() % count)) + "/v1/items");
  }
  size_t found = 0;
  constexpr int kRounds = 200;
  const auto from = Clock::now();
  for (int round = 0; round < kRounds; ++round) {
    for (const RequestHead& head : heads) found += table->find({head}).route != nullptr;
  }
  const double each = nanoseconds(Clock::now() - from) / (kRounds * kRequests);
  std::printf("%-12s %7u routes: %7.1f ns a find, built in %7.1f ms, %7ld KB, %s\n", name, count,
              each, build_ms, after.ru_maxrss - before.ru_maxrss,
              found == kRounds * kRequests ? "all found" : "SOME NOT FOUND");
}

}  // namespace
}  // namespace weir::router

int main() {
  using weir::router::Shape;
  for (const uint32_t count : {1u, 10u, 1'000u, 100'000u}) {
    weir::router::measure("exact", Shape::Exact, count);
    weir::router::measure("prefix", Shape::Prefix, count);
    weir::router::measure("10% regex", Shape::TenthRegex, count);
  }
}
