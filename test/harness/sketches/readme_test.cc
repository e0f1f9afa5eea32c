// The sketches in the SDK's README are quotations: each block of code there stands, line by line,
// in one of the filters here, which are built and run.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace weir::sketches {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The blocks of C++ behind "## Four sketches".
std::vector<std::string> sketches() {
  const std::string readme = read("api/include/weir/README.md");
  std::vector<std::string> blocks;
  size_t at = readme.find("## Four sketches");
  while ((at = readme.find("```cpp\n", at)) != std::string::npos) {
    at += 7;
    const size_t end = readme.find("```", at);
    blocks.push_back(readme.substr(at, end - at));
    at = end + 3;
  }
  return blocks;
}

TEST(Readme, QuotesTheSketchesAsTheyAre) {
  std::string filters;
  for (const auto& entry : std::filesystem::directory_iterator("test/harness/sketches")) {
    if (entry.path().extension() == ".cc") filters += read(entry.path()) + "\n";
  }
  const auto blocks = sketches();
  EXPECT_EQ(blocks.size(), 4u);
  for (const std::string& block : blocks) {
    EXPECT_LE(std::count(block.begin(), block.end(), '\n'), 30) << block;
    std::istringstream parts(block);
    // "…" alone on its line: something is left out here.
    for (size_t from = 0; from < block.size();) {
      const size_t gap = std::min(block.find("…\n", from), block.size());
      EXPECT_NE(filters.find(block.substr(from, gap - from)), std::string::npos)
          << "not in any sketch:\n"
          << block.substr(from, gap - from);
      from = gap + std::string("…\n").size();
    }
  }
}

}  // namespace
}  // namespace weir::sketches
