// weir_bench_load: puts HTTP/1.1 load on a port of this machine and prints what came of it as one
// JSON object. Exit 0 when every response was right, 1 when one was not, 2 for a wrong command.

#include "load_options.h"
#include "load_run.h"

#include <sys/prctl.h>
#include <cstdio>

namespace weir::bench {
namespace {

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

void print(const LoadReport& report) {
  const double window = static_cast<double>(report.window_ns) / 1e9;
  const double rps = window > 0 ? static_cast<double>(report.requests) / window : 0;
  std::printf("{\"requests\": %llu, \"errors\": %llu, \"rps\": %.1f, \"seconds\": %.3f, ",
              static_cast<unsigned long long>(report.requests),
              static_cast<unsigned long long>(report.errors()), rps, window);
  std::printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, ",
              microseconds(report.latency.quantile(0.5)),
              microseconds(report.latency.quantile(0.99)),
              microseconds(report.latency.quantile(0.999)), microseconds(report.latency.max()));
  std::printf("\"bytes\": %llu, \"cpu_ns\": %llu, \"reconnects\": %llu, \"faults\": {",
              static_cast<unsigned long long>(report.bytes),
              static_cast<unsigned long long>(report.cpu_ns),
              static_cast<unsigned long long>(report.reconnects));
  const char* separator = "";
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (report.faults[i] == 0) continue;
    std::printf("%s\"%s\": %llu", separator, faultName(static_cast<Fault>(i)),
                static_cast<unsigned long long>(report.faults[i]));
    separator = ", ";
  }
  std::puts("}}");
}

int runLoad(int argc, char** argv) {
  // The default slack of 50 us would be added to every send time of the open loop.
  prctl(PR_SET_TIMERSLACK, 1);
  const LoadOptions options = LoadOptions::parse(argc, argv);
  LoadRun run(options);
  const LoadReport report = run.run();
  print(report);
  return report.errors() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::runLoad(argc, argv); }
