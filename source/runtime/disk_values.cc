#include "source/runtime/disk_values.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 16;             // directories in directories, as in Envoy
constexpr uintmax_t kLargest = 1 << 20;  // of a value: a bigger file is there by mistake

// Without the lines that are remarks, and without the white space at its end.
std::string contentOf(std::istream& file) {
  std::string content, line;
  while (std::getline(file, line)) {
    if (!line.starts_with('#')) content += line + '\n';
  }
  content.erase(content.find_last_not_of(" \t\r\n") + 1);
  return content;
}

std::optional<Error> readFile(const fs::path& path, const std::string& key, Values& to) {
  std::error_code error;
  if (fs::file_size(path, error) > kLargest || error) {
    return Error{path, error ? error.message() : "has more than 1 MB"};
  }
  std::ifstream file(path);
  if (!file) return Error{path, std::strerror(errno)};
  to[key] = valueOf(contentOf(file));
  if (file.bad()) return Error{path, std::strerror(errno)};
  return std::nullopt;
}

std::optional<Error> readAll(const fs::path& path, const std::string& prefix, int depth,
                             Values& to) {
  if (depth > kDeepest) return Error{path, "more than 16 directories in each other"};
  std::error_code error;
  fs::directory_iterator each(path, error);
  for (; !error && each != fs::directory_iterator(); each.increment(error)) {
    const std::string key = prefix + each->path().filename().string();
    std::optional<Error> why;
    std::error_code unknown;
    if (each->is_directory(unknown)) {
      why = readAll(each->path(), key + ".", depth + 1, to);
    } else if (each->is_regular_file(unknown)) {
      why = readFile(each->path(), key, to);
    }
    if (why) return why;
  }
  if (error) return Error{path, error.message()};
  return std::nullopt;
}

}  // namespace

Result<std::optional<Values>> readDirectory(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::optional<Values>();
  Values values;
  if (auto why = readAll(path, {}, 1, values)) return *std::move(why);
  return std::optional(std::move(values));
}

}  // namespace weir::runtime
