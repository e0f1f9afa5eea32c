#include "source/overload/pressure.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace weir::overload {
namespace {

class PressureTest : public testing::Test {
 protected:
  PressureTest() { std::filesystem::create_directories(root_ / "memory"); }
  ~PressureTest() override { std::filesystem::remove_all(root_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
    return root_ / name;
  }
  // Of a read that must work.
  static double of(const PressureSource& source) {
    const Result<double> pressure = source();
    EXPECT_TRUE(pressure) << pressure.error().text;
    return pressure ? *pressure : -1;
  }

  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("weir-pressure-" + std::to_string(::getpid()));
};

TEST_F(PressureTest, TheHeapIsWhatIsResidentAndOfNoFile) {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::string statm = write("statm", "9000 700 200 10 0 300 0\n");
  EXPECT_DOUBLE_EQ(of(fixedHeap(1000 * page, statm)), 0.5);
  EXPECT_DOUBLE_EQ(of(fixedHeap(250 * page, statm)), 2);
  write("statm", "9000 100 101 10 0 300 0\n");
  EXPECT_DOUBLE_EQ(of(fixedHeap(1000 * page, statm)), 0);
}

TEST_F(PressureTest, TheHeapGrowsWithWhatIsWritten) {
  constexpr size_t kSize = 64 << 20;
  const PressureSource heap = fixedHeap(kSize);
  const double before = of(heap);
  const std::vector<char> block(kSize, 'x');
  EXPECT_GT(of(heap), before + 0.9) << block.back();
}

TEST_F(PressureTest, WhatIsNoStatmIsAnError) {
  EXPECT_FALSE(fixedHeap(1, root_ / "none")());
  EXPECT_FALSE(fixedHeap(1, write("statm", "12 x"))());
}

TEST_F(PressureTest, AContainerHasTheSmallerOfTwoLimits) {
  write("memory.current", "300\n");
  write("memory.max", "1000\n");
  EXPECT_DOUBLE_EQ(of(cgroupMemory(0, root_)), 0.3);
  EXPECT_DOUBLE_EQ(of(cgroupMemory(600, root_)), 0.5);
  EXPECT_DOUBLE_EQ(of(cgroupMemory(5000, root_)), 0.3);
  write("memory.max", "max\n");
  EXPECT_DOUBLE_EQ(of(cgroupMemory(0, root_)), 0);
  EXPECT_DOUBLE_EQ(of(cgroupMemory(600, root_)), 0.5);
}

TEST_F(PressureTest, CgroupsOfVersionOneAreRead) {
  write("memory/memory.usage_in_bytes", "20\n");
  write("memory/memory.limit_in_bytes", "80\n");
  EXPECT_DOUBLE_EQ(of(cgroupMemory(0, root_)), 0.25);
  write("memory/memory.limit_in_bytes", "-1\n");
  EXPECT_DOUBLE_EQ(of(cgroupMemory(0, root_)), 0);
}

TEST_F(PressureTest, NoCgroupIsAnError) { EXPECT_FALSE(cgroupMemory(100, root_ / "none")()); }

TEST_F(PressureTest, AnInjectedPressureIsReadAgainEachTime) {
  const PressureSource source = injected(write("pressure", "0.25\n"));
  EXPECT_DOUBLE_EQ(of(source), 0.25);
  write("pressure", "1");
  EXPECT_DOUBLE_EQ(of(source), 1);
  for (const char* bad : {"", "1.01", "-0.1", "half", "0.5x", "nan"}) {
    write("pressure", bad);
    EXPECT_FALSE(source()) << bad;
  }
  std::filesystem::remove(root_ / "pressure");
  EXPECT_FALSE(source());
}

}  // namespace
}  // namespace weir::overload
