#include "source/xds/file_source.h"

#include <spdlog/spdlog.h>

#include "source/config/bootstrap.h"
#include "source/xds/requests.h"

namespace weir::xds {

FileSource::FileSource(net::Loop& loop, ResourceType type, std::string path, std::string directory)
    : loop_(loop),
      path_(std::move(path)),
      directory_(std::move(directory)),
      state_(loop, factsOf(type), [this] { timer_.arm(loop_.timers(), loop_.now()); }),
      timer_(*this),
      files_(loop, [this] { read(); }) {
  watch();
}

void FileSource::watch() {
  files_.addFile(path_);
  if (!directory_.empty()) files_.add(directory_);
}

void FileSource::read() {
  watch();
  state_.countAttempt();
  Report report;
  envoy::service::discovery::v3::DiscoveryResponse message;
  config::BootstrapSource source;
  source.path = path_;
  source.allow_unknown_fields = true;
  if (!config::loadBootstrap(source, message, report)) {
    state_.countFailure();
    for (const Problem& problem : report.sorted()) spdlog::warn("xds: {}", problem.line());
    return;
  }
  const Response response = readResponse(std::move(message), state_.facts());
  warnOf(state_.facts(), state_.apply(response).refusals, path_ + ": ");
}

}  // namespace weir::xds
