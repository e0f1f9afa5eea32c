#include "source/access_logs/grpc_logger.h"

#include "source/access_logs/worker_logs.h"
#include "weir/per_worker.h"

namespace weir::access_logs {

GrpcLogger::~GrpcLogger() {
  for (const auto& stream : streams_) {
    if (stream != nullptr) stream->release();
  }
}

LogStream* GrpcLogger::here() const {
  WorkerLogs* logs = WorkerLogs::here();
  if (logs == nullptr || t_worker >= streams_.size()) {
    settings_->dropped.add();
    return nullptr;
  }
  auto& stream = streams_[t_worker];
  if (stream == nullptr) stream = logs->open(settings_);
  return stream.get();
}

}  // namespace weir::access_logs
