#include "filters/http/grpc_stats/method_stats.h"

#include <algorithm>

namespace weir::filters::grpc_stats {
namespace {

std::string withoutDots(std::string_view service) {
  std::string made(service);
  std::replace(made.begin(), made.end(), '.', '_');
  return made;
}

}  // namespace

MethodCounts::MethodCounts(StatScope scope, bool upstream_time)
    : request_messages(scope.counter("request_message_count")),
      response_messages(scope.counter("response_message_count")),
      scope_(std::move(scope)),
      success_(scope_.counter("success")),
      failure_(scope_.counter("failure")),
      total_(scope_.counter("total")),
      has_time_(upstream_time) {
  if (has_time_) time_ = scope_.histogram("upstream_rq_time", Histogram::Unit::Microseconds);
}

void MethodCounts::countStatus(uint32_t status) const {
  if (status >= kStatuses) status = grpc::kUnknown;
  std::atomic<uint32_t>& known = statuses_[status];
  uint32_t cell = known.load(std::memory_order_relaxed);
  if (cell == 0) {
    cell = scope_.counter(std::to_string(status)).cell();
    known.store(cell, std::memory_order_relaxed);
  }
  Counter(cell).add();
  (status == grpc::kOk ? success_ : failure_).add();
  total_.add();
}

void MethodCounts::recordUpstreamTime(std::chrono::nanoseconds time) const {
  if (!has_time_) return;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  time_.record(static_cast<uint64_t>(std::max<int64_t>(micros, 0)));
}

const MethodCounts& MethodStats::find(MethodCache& cache, const StatScope& scope,
                                      std::string_view cluster, const grpc::Method& method) {
  // A cluster's name may hold anything, a path no space.
  std::string& key = cache.key;
  key.assign(cluster).append(" ");
  const size_t after_cluster = key.size();
  key.append(method.service).append("/").append(method.name);
  if (auto found = cache.known.find(key); found != cache.known.end()) return *found->second;
  const bool own =
      choice_.every_method || choice_.methods.contains(std::string_view(key).substr(after_cluster));
  const MethodCounts* counts = own ? make(key, scope, &method) : nullptr;
  if (counts == nullptr) {
    if (own) overflow_.add();
    key.resize(after_cluster);
    if (auto found = cache.known.find(key); found != cache.known.end()) return *found->second;
    counts = make(key, scope, nullptr);
  }
  cache.known.emplace(key, counts);
  return *counts;
}

const MethodCounts* MethodStats::make(const std::string& key, const StatScope& scope,
                                      const grpc::Method* method) {
  {
    std::shared_lock lock(mutex_);
    if (auto found = made_.find(key); found != made_.end()) return found->second.get();
    if (method != nullptr && methods_ == kMost) return nullptr;
  }
  std::unique_lock lock(mutex_);
  if (auto found = made_.find(key); found != made_.end()) return found->second.get();
  StatScope place = scope.scope("grpc");
  if (method != nullptr) {
    if (methods_ == kMost) return nullptr;  // another worker was faster
    const std::string service =
        choice_.replaces_dots ? withoutDots(method->service) : std::string(method->service);
    place = place.tagged(service, "envoy_grpc_bridge_service")
                .tagged(method->name, "envoy_grpc_bridge_method");
    ++methods_;
  }
  auto made = std::make_unique<const MethodCounts>(std::move(place), choice_.upstream_time);
  return made_.emplace(key, std::move(made)).first->second.get();
}

}  // namespace weir::filters::grpc_stats
