// Finds what somebody probably meant to write. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

// Damerau-Levenshtein distance (insert, delete, replace, swap neighbours), ignoring letter case and
// the difference between snake_case and camelCase. O(|a|·|b|); gives up beyond `limit`.
size_t editDistance(std::string_view a, std::string_view b, size_t limit);

// The candidate closest to `word`, if one is close enough to be a slip of the fingers.
std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates);

}  // namespace weir::config
