// A TreeLocator finds configuration paths ("a.b[2][\"key\"].c") in the texts a configuration was
// merged from, in the order they were merged. Immutable; shares the trees.
//
// `other` names a source without lines (a binary file) that everything not found in the texts is
// put down to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {

class TreeLocator final : public Locator {
 public:
  explicit TreeLocator(std::vector<std::shared_ptr<const Tree>> trees, std::string other = "")
      : trees_(std::move(trees)), other_(std::move(other)) {}

  // The value if it is a scalar or list item, else its key. Follows protobuf's merge: list items of
  // later texts come after those of earlier ones, a singular field's last text wins.
  Place locate(std::string_view path) const override;

 private:
  std::vector<std::shared_ptr<const Tree>> trees_;
  std::string other_;
};

}  // namespace weir::config
