#include "source/config/nearest.h"

#include <algorithm>

namespace weir::config {
namespace {

bool isSeparator(char c) { return c == '_' || c == '-'; }

size_t foldedSize(std::string_view name) {
  return name.size() - static_cast<size_t>(std::count_if(name.begin(), name.end(), isSeparator));
}

std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (isSeparator(c)) continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

size_t editDistance(std::string_view first, std::string_view second, size_t limit) {
  const size_t first_size = foldedSize(first);
  const size_t second_size = foldedSize(second);
  if (first_size > second_size + limit || second_size > first_size + limit) return limit + 1;
  const std::string a = folded(first);
  const std::string b = folded(second);
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return std::min(above[b.size()], limit + 1);
}

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates) {
  if (word.size() > 128) return std::nullopt;  // nobody mistypes that; bounds the work
  // One slip in three letters, at most four: "nmae" finds "name", "foo" does not find "to".
  const size_t limit = std::min<size_t>(4, (word.size() + 1) / 3);
  std::optional<std::string_view> best;
  size_t best_distance = limit + 1;
  for (const std::string_view candidate : candidates) {
    const size_t distance = editDistance(word, candidate, limit);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace weir::config
