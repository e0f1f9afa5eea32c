#include "source/runtime/disk_values.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace weir::runtime {
namespace {

namespace fs = std::filesystem;

class DiskValues : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& content) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << content;
  }

  const fs::path root_ = fs::path(testing::TempDir()) / ("weir_disk_" + std::to_string(getpid()));
};

TEST_F(DiskValues, FilesAreKeysAndDirectoriesNest) {
  write("a", "1\n");
  write("b/c", "# a remark\ntrue\n# another\n");
  write("b/d.e/f", "numerator: 5\ndenominator: MILLION\n");
  write("text", "two\nlines  \n\n");
  const auto read = readDirectory(root_);
  ASSERT_TRUE(read && *read);
  const Values& values = **read;
  EXPECT_EQ(values.size(), 4u);
  EXPECT_EQ(values.at("a").number, 1u);
  EXPECT_EQ(values.at("b.c").flag, true);
  EXPECT_EQ(values.at("b.d.e.f").fraction, (Fraction{5, 1'000'000}));
  EXPECT_EQ(values.at("text").text, "two\nlines");
}

TEST_F(DiskValues, NoDirectoryIsNoError) {
  const auto read = readDirectory(root_ / "absent");
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
}

TEST_F(DiskValues, WhatCannotBeReadIsNamed) {
  write("a", "1");
  write("big", std::string((1 << 20) + 1, 'x'));
  const auto read = readDirectory(root_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().field, root_ / "big");
  EXPECT_EQ(read.error().text, "has more than 1 MB");
}

// Whoever runs the test: of this file the first byte cannot be read.
TEST_F(DiskValues, AnUnreadableFileIsNamed) {
  fs::create_symlink("/proc/self/mem", root_ / "a");
  const auto read = readDirectory(root_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().field, root_ / "a");
  EXPECT_EQ(read.error().text, "Input/output error");
}

TEST_F(DiskValues, DirectoriesDoNotNestForEver) {
  write("l/a", "1");
  fs::create_directory_symlink("..", root_ / "l/up");
  const auto read = readDirectory(root_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().text, "more than 16 directories in each other");
}

}  // namespace
}  // namespace weir::runtime
