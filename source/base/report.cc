#include "weir/report.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir {

std::string Problem::line() const {
  std::string out;
  if (!place.source.empty()) {
    out += place.source;
    if (place.line > 0) {
      out += ':' + std::to_string(place.line) + ':' + std::to_string(place.column);
    }
    out += ": ";
  }
  if (severity == Severity::Warning) out += "warning: ";
  if (!path.empty()) out += path + ": ";
  return out + text;
}

void Report::error(std::string_view path, std::string text) {
  add(Severity::Error, locate(path), std::string(path), std::move(text));
}

void Report::warning(std::string_view path, std::string text) {
  add(Severity::Warning, locate(path), std::string(path), std::move(text));
}

void Report::add(Severity severity, Place place, std::string path, std::string text) {
  size_t& count = severity == Severity::Error ? errors_ : warnings_;
  if (++count > kMaxKept) return;
  problems_.push_back({severity, std::move(place), std::move(path), std::move(text)});
}

std::vector<Problem> Report::sorted() const {
  std::vector<std::string> sources = sources_;
  const auto rank = [&sources](const Problem& problem) {
    const auto at = std::find(sources.begin(), sources.end(), problem.place.source);
    return at - sources.begin();
  };
  for (const Problem& problem : problems_) {
    if (rank(problem) == static_cast<std::ptrdiff_t>(sources.size())) {
      sources.push_back(problem.place.source);
    }
  }
  std::vector<Problem> result = problems_;
  std::stable_sort(result.begin(), result.end(), [&rank](const Problem& a, const Problem& b) {
    return std::make_tuple(rank(a), a.place.line, a.place.column) <
           std::make_tuple(rank(b), b.place.line, b.place.column);
  });
  return result;
}

std::string Report::text() const {
  std::string out;
  for (const Problem& problem : sorted()) out += problem.line() + '\n';
  if (errors_ > kMaxKept) out += "and " + std::to_string(errors_ - kMaxKept) + " more errors\n";
  if (warnings_ > kMaxKept) {
    out += "and " + std::to_string(warnings_ - kMaxKept) + " more warnings\n";
  }
  return out;
}

Place Report::locate(std::string_view path) const {
  return locator_ ? locator_->locate(path) : Place{};
}

Where& Where::operator=(const Where& other) {
  report_ = other.report_;
  size_ = other.size_;
  truncated_ = other.truncated_;
  std::copy_n(other.steps_.begin(), size_, steps_.begin());
  return *this;
}

Where Where::plus(Step step) const {
  Where result = *this;
  if (size_ == kMaxSteps) {
    result.truncated_ = true;
  } else {
    result.steps_[result.size_++] = step;
  }
  return result;
}

std::string Where::path() const {
  std::string out;
  for (size_t i = 0; i < size_; ++i) {
    const Step& step = steps_[i];
    switch (step.kind) {
      case kIndex:
        out += '[' + std::to_string(step.number) + ']';
        break;
      case kField:
        if (!out.empty()) out += '.';
        out.append(step.data, step.number);
        break;
      case kKey:
        out += "[\"";
        for (const char c : std::string_view(step.data, step.number)) {
          if (c == '"' || c == '\\') out += '\\';
          out += c;
        }
        out += "\"]";
        break;
    }
  }
  return truncated_ ? out + "…" : out;
}

}  // namespace weir
