// A FieldPath is where in a RouteConfiguration the builder stands, as a list on the stack that is
// only rendered when there is something to say: 100,000 routes without an error build no string.
// A child points to its parent, so keep the parent in a variable of an outer scope.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "source/router/route_build.h"
#include "weir/result.h"

namespace weir::router {

class FieldPath {
 public:
  FieldPath() = default;

  FieldPath at(std::string_view name, int index = -1) const { return {this, name, index}; }

  std::string text() const {
    std::string out = parent_ != nullptr ? parent_->text() : std::string();
    if (!out.empty() && !name_.empty()) out += '.';
    out += name_;
    if (index_ >= 0) out += '[' + std::to_string(index_) + ']';
    return out;
  }

 private:
  FieldPath(const FieldPath* parent, std::string_view name, int index)
      : parent_(parent), name_(name), index_(index) {}

  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  int index_ = -1;
};

// A Report passes errors and warnings on and remembers whether there was an error.
class Report {
 public:
  explicit Report(RouteBuild& build) : build_(build) {}

  void error(const FieldPath& path, std::string text) {
    failed_ = true;
    build_.error(path.text(), std::move(text));
  }
  // An error of a part, whose field is relative to `path`.
  void error(const FieldPath& path, const Error& inner) { error(path.at(inner.field), inner.text); }
  void warn(const FieldPath& path, std::string text) { build_.warn(path.text(), std::move(text)); }
  void notYet(const FieldPath& path) { warn(path, "is not yet honoured"); }
  void refuse(const FieldPath& path) {
    error(path,
          std::string("is not supported yet, and decides where traffic goes or who may pass"));
  }

  RouteBuild& build() { return build_; }
  bool failed() const { return failed_; }

 private:
  RouteBuild& build_;
  bool failed_ = false;
};

}  // namespace weir::router
