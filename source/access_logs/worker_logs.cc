#include "source/access_logs/worker_logs.h"

#include <algorithm>

#include "source/rpc/grpc_stream.h"

namespace weir::access_logs {
namespace {

constinit thread_local WorkerLogs* t_logs = nullptr;

}  // namespace

WorkerLogs::~WorkerLogs() {
  if (t_logs == this) t_logs = nullptr;
}

void WorkerLogs::begin() { t_logs = this; }

WorkerLogs* WorkerLogs::here() { return t_logs; }

std::shared_ptr<LogStream> WorkerLogs::open(std::shared_ptr<const LogSettings> settings) {
  std::erase_if(streams_, [](const auto& stream) { return stream->done(); });
  const rpc::GrpcTarget& target = settings->target;
  auto make = [&services = services_, target](std::string_view method,
                                              rpc::MessageStreamUser& user) {
    return std::make_unique<rpc::GrpcStream>(services, target, method, user);
  };
  streams_.push_back(
      std::make_shared<LogStream>(services_.loop, std::move(settings), std::move(make),
                                  [&services = services_] { return services.random.next(); }));
  return streams_.back();
}

void WorkerLogs::end() {
  {
    net::Loop::Turn turn(services_.loop);
    for (const auto& stream : streams_) stream->finish();
  }
  const auto done = [](const auto& stream) { return stream->done(); };
  while (!std::all_of(streams_.begin(), streams_.end(), done)) {
    event_base_loop(services_.loop.base(), EVLOOP_ONCE);  // each has its timer
  }
  streams_.clear();
  t_logs = nullptr;
}

}  // namespace weir::access_logs
