#include "source/telemetry/stat_store.h"
#include "weir/stats.h"

namespace weir {

Counter StatScope::counter(std::string_view name) const {
  if (store_ == nullptr) return {};
  return store_->counter(prefix_ + std::string(name), family_ + std::string(name), tags_);
}

Gauge StatScope::gauge(std::string_view name) const {
  if (store_ == nullptr) return {};
  return store_->gauge(prefix_ + std::string(name), family_ + std::string(name), tags_);
}

Histogram StatScope::histogram(std::string_view name, Histogram::Unit unit) const {
  if (store_ == nullptr) return {};
  return store_->histogram(prefix_ + std::string(name), family_ + std::string(name), tags_, unit);
}

Counter StatScope::counter(std::string_view name, std::string_view family, std::string_view tag,
                           std::string_view value) const {
  if (store_ == nullptr) return {};
  StatTags tags = tags_;
  tags.emplace_back(tag, value);
  return store_->counter(prefix_ + std::string(name), family_ + std::string(family), tags);
}

StatScope StatScope::scope(std::string_view segment) const {
  StatScope inner = *this;
  inner.prefix_.append(segment).append(".");
  inner.family_.append(segment).append(".");
  return inner;
}

StatScope StatScope::tagged(std::string_view value, std::string_view tag) const {
  StatScope inner = *this;
  inner.prefix_.append(value).append(".");
  inner.tags_.emplace_back(tag, value);
  return inner;
}

}  // namespace weir
