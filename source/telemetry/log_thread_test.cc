#include "source/telemetry/log_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "source/telemetry/stat_store.h"

namespace weir::telemetry {
namespace {

using std::chrono::hours;

class LogThreadTest : public testing::Test {
 protected:
  LogThreadTest()
      : directory_(std::filesystem::path(testing::TempDir()) /
                   ("weir_log_" + std::to_string(getpid()) + "_" +
                    testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(directory_);
  }
  ~LogThreadTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name = "access.log") const {
    return (directory_ / name).string();
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static void log(LogFile& file, std::string_view line) {
    LogFile::Line(file).text().append(line).append("\n");
  }

  std::filesystem::path directory_;
  StatStore store_;
  StatScope root_{store_};
};

TEST_F(LogThreadTest, flushWritesWhatWasLogged) {
  LogThread thread(root_, hours(1));
  auto file = *thread.open(path());
  log(*file, "one");
  log(*file, "two");
  EXPECT_EQ(read(path()), "");
  thread.flush();
  EXPECT_EQ(read(path()), "one\ntwo\n");
  EXPECT_EQ(store_.value("filesystem.write_buffered"), 2u);
  EXPECT_EQ(store_.value("filesystem.write_completed"), 1u);
}

TEST_F(LogThreadTest, theIntervalWritesByItself) {
  LogThread thread(root_, std::chrono::milliseconds(20));
  auto file = *thread.open(path());
  log(*file, "one");
  while (read(path()).empty()) std::this_thread::yield();
  EXPECT_EQ(read(path()), "one\n");
}

TEST_F(LogThreadTest, endingWritesWhatWasLogged) {
  std::shared_ptr<LogFile> file;
  {
    LogThread thread(root_, hours(1));
    file = *thread.open(path());
    log(*file, "last");
  }
  EXPECT_EQ(read(path()), "last\n");
  log(*file, "after the thread");
  file.reset();
  EXPECT_EQ(read(path()), "last\nafter the thread\n");
}

TEST_F(LogThreadTest, appendsAndSharesOneFilePerPath) {
  std::ofstream(path()) << "old\n";
  LogThread thread(root_, hours(1));
  auto first = *thread.open(path());
  EXPECT_EQ(first, *thread.open(path()));
  log(*first, "new");
  thread.flush();
  EXPECT_EQ(read(path()), "old\nnew\n");
}

TEST_F(LogThreadTest, filesNobodyLogsToAreClosed) {
  LogThread thread(root_, hours(1));
  std::weak_ptr<LogFile> gone = *thread.open(path());
  log(*gone.lock(), "x");
  thread.flush();
  thread.flush();
  EXPECT_TRUE(gone.expired());
  EXPECT_EQ(read(path()), "x\n");
}

TEST_F(LogThreadTest, anUnusablePathIsRefused) {
  LogThread thread(root_);
  auto file = thread.open(path("no/such/directory.log"));
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().text, testing::HasSubstr("No such file or directory"));
}

TEST_F(LogThreadTest, reopenFollowsARotation) {
  LogThread thread(root_, hours(1));
  auto file = *thread.open(path());
  log(*file, "before");
  std::filesystem::rename(path(), path("rotated.log"));
  thread.reopen();
  thread.flush();
  log(*file, "after");
  thread.flush();
  EXPECT_EQ(read(path("rotated.log")), "before\n");
  EXPECT_EQ(read(path()), "after\n");
}

TEST_F(LogThreadTest, aFailedReopenKeepsTheOldFile) {
  std::filesystem::create_directories(path("d"));
  LogThread thread(root_, hours(1));
  auto file = *thread.open(path("d/access.log"));
  std::filesystem::rename(path("d"), path("e"));
  thread.reopen();
  thread.flush();
  log(*file, "still");
  thread.flush();
  EXPECT_EQ(read(path("e/access.log")), "still\n");
  EXPECT_EQ(store_.value("filesystem.reopen_failed"), 1u);
}

TEST_F(LogThreadTest, manyThreadsLoseNothingAndKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kLines = 20000;
  {
    LogThread thread(root_, std::chrono::milliseconds(1));
    auto file = *thread.open(path());
    std::vector<std::thread> workers;
    for (int w = 0; w < kThreads; ++w) {
      workers.emplace_back([&, w] {
        const StatThread counting;
        for (int i = 0; i < kLines; ++i) {
          log(*file,
              std::to_string(w) + " " + std::to_string(i) + " some words to fill the line up");
        }
      });
    }
    for (auto& worker : workers) worker.join();
  }
  EXPECT_EQ(store_.value("filesystem.write_dropped"), 0u);
  std::istringstream lines(read(path()));
  std::vector<int> next(kThreads, 0);
  int worker = 0;
  int number = 0;
  std::string rest;
  while (lines >> worker >> number && std::getline(lines, rest)) {
    ASSERT_EQ(number, next[static_cast<size_t>(worker)]++);
    ASSERT_EQ(rest, " some words to fill the line up");
  }
  EXPECT_EQ(next, std::vector<int>(kThreads, kLines));
}

// A pipe that nobody reads holds 64 KB; then the LogThread waits, and the workers must not.
TEST_F(LogThreadTest, aStuckReaderCostsLinesNotTime) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  const int reader = open(path("pipe").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  std::thread drainer;
  std::atomic<bool> stop{false};
  {
    LogThread thread(root_, std::chrono::milliseconds(1));
    auto file = *thread.open(path("pipe"));
    const std::string line(1000, 'x');
    for (int i = 0; i < 8000; ++i) log(*file, line);  // twice what may wait
    EXPECT_GT(*store_.value("filesystem.write_dropped"), 2000u);
    EXPECT_LT(*store_.value("filesystem.write_dropped"), 5000u);
    drainer = std::thread([&] {
      char sink[65536];
      pollfd readable{reader, POLLIN, 0};
      while (!stop) {
        if (::poll(&readable, 1, 10) == 1) (void)!::read(reader, sink, sizeof(sink));
      }
    });
  }
  stop = true;
  drainer.join();
  close(reader);
}

}  // namespace
}  // namespace weir::telemetry
