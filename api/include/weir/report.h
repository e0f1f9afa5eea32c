// A Report collects everything wrong or doubtful in a configuration, so that an operator sees all
// of it at once; a Where is the place in the configuration that a check is looking at.
//
// Errors name a path ("static_resources.listeners[0].name"). Where the configuration came from a
// text file, a Locator turns the path into file:line:column of the nearest ancestor the file knows,
// so a check that only has the protobuf still points at a line. One thread at a time; no
// exceptions.
//
//   Where at(report);
//   auto name = at.field("clusters").index(3).field("name");
//   if (cluster.name().empty()) name.error("expected a name, found nothing");
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

// A place in a text. Lines and columns count from 1, columns in bytes; line 0 means unknown.
struct Place {
  std::string source;  // file name as given, or what stands for it ("--config-yaml")
  uint32_t line = 0;
  uint32_t column = 0;
};

enum class Severity : uint8_t { Warning, Error };

struct Problem {
  Severity severity = Severity::Error;
  Place place;
  std::string path;
  std::string text;

  std::string line() const;  // "file.yaml:12:7: a.b[0]: text", without a newline
};

// Maps a configuration path to its place: the nearest ancestor it knows, or line 0.
class Locator {
 public:
  virtual ~Locator() = default;
  virtual Place locate(std::string_view path) const = 0;
};

class Report {
 public:
  static constexpr size_t kMaxKept = 100;  // of each severity; the rest is only counted

  // May be given at any time; used for problems added afterwards that come without a place. The
  // problems of `sources` are printed in this order, those of others after them.
  void locateWith(std::shared_ptr<const Locator> locator, std::vector<std::string> sources = {}) {
    locator_ = std::move(locator);
    sources_ = std::move(sources);
  }

  void error(std::string_view path, std::string text);
  void warning(std::string_view path, std::string text);
  void add(Severity severity, Place place, std::string path, std::string text);

  bool ok() const { return errors_ == 0; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }

  // In order of source, line and column.
  std::vector<Problem> sorted() const;
  // One line a problem, each ended by a newline, and a last one if some were only counted.
  std::string text() const;

 private:
  Place locate(std::string_view path) const;

  std::shared_ptr<const Locator> locator_;
  std::vector<std::string> sources_;
  std::vector<Problem> problems_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

// A value, cheap to copy: steps are views, strings are built only for a problem. The names and keys
// it is given (literals, descriptor names, parts of the protobuf) and the report must outlive it.
class Where {
 public:
  explicit Where(Report& report) : report_(&report) {}
  Where(const Where& other) { *this = other; }
  Where& operator=(const Where& other);

  Where field(std::string_view name) const { return plus({name.data(), length(name), kField}); }
  Where key(std::string_view key) const { return plus({key.data(), length(key), kKey}); }
  Where index(size_t i) const { return plus({nullptr, static_cast<uint32_t>(i), kIndex}); }

  void error(std::string text) const { report_->error(path(), std::move(text)); }
  void warning(std::string text) const { report_->warning(path(), std::move(text)); }

  // "a.b[2][\"key\"].c"; empty at the root.
  std::string path() const;
  Report& report() const { return *report_; }

 private:
  enum Kind : uint32_t { kField, kKey, kIndex };
  struct Step {
    const char* data;
    uint32_t number;  // length of the name, or the index
    Kind kind;
  };
  static constexpr size_t kMaxSteps = 48;  // deeper places are named by their 48th ancestor

  static uint32_t length(std::string_view text) { return static_cast<uint32_t>(text.size()); }
  Where plus(Step step) const;

  Report* report_;
  uint32_t size_ = 0;
  bool truncated_ = false;
  std::array<Step, kMaxSteps> steps_;  // the first size_ are set
};

}  // namespace weir
