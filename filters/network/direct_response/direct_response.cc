// Writes fixed bytes to every connection and closes it.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "envoy/extensions/filters/network/direct_response/v3/config.pb.h"
#include "weir/filter_registry.h"

namespace weir::network::direct_response {
namespace {

using Proto = envoy::extensions::filters::network::direct_response::v3::Config;
using Source = envoy::config::core::v3::DataSource;

Result<std::string> readSource(const Source& source) {
  switch (source.specifier_case()) {
    case Source::kInlineString:
      return source.inline_string();
    case Source::kInlineBytes:
      return source.inline_bytes();
    case Source::kEnvironmentVariable: {
      const char* value = std::getenv(source.environment_variable().c_str());
      if (value == nullptr) {
        return Error{"response.environment_variable",
                     "'" + source.environment_variable() + "' is not set"};
      }
      return std::string(value);
    }
    case Source::kFilename: {
      std::ifstream file(source.filename(), std::ios::binary);
      if (!file) {
        return Error{"response.filename",
                     "cannot read '" + source.filename() + "': " + std::strerror(errno)};
      }
      return std::string(std::istreambuf_iterator<char>(file), {});
    }
    default:
      return std::string();
  }
}

struct Plan {
  std::string response;

  static Result<Plan> from(const Proto& proto, PlanBuild& build) {
    if (proto.response().has_watched_directory())
      build.warn("response.watched_directory", "the file is read once");
    auto response = readSource(proto.response());
    if (!response) return std::move(response.error());
    return Plan{*std::move(response)};
  }
};

class DirectResponse final : public NetworkFilter {
 public:
  explicit DirectResponse(const Plan& plan) : plan_(plan) {}

  NetworkVerdict onConnection(NetworkConnection&) override {
    return NetworkVerdict::answer(plan_.response);
  }

 private:
  const Plan& plan_;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.addNetwork<Proto, Plan, DirectResponse>("envoy.filters.network.direct_response", true);
}

}  // namespace weir::network::direct_response
