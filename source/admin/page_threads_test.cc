#include "source/admin/page_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "source/admin/others_asleep.h"

namespace weir::admin {
namespace {

// Takes pages as they come, or leaves them until told otherwise.
struct Reader final : PageReader {
  explicit Reader(net::Loop& loop) : loop(loop) {}
  void onPageReady() override {
    ++told;
    if (stalled) return;
    const PageJob::Taken taken = job->take();
    longest = std::max(longest, taken.text.size());
    text += taken.text;
    done = done || taken.last;
    if (taken.last) loop.stop();
  }
  net::Loop& loop;
  std::shared_ptr<PageJob> job;
  std::string text;
  size_t longest = 0;
  int told = 0;
  bool stalled = false;
  bool done = false;
};

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + "\n";
  return text;
}

TEST(PageThreads, aPageArrivesWholeInOrderAndInBoundedPieces) {
  const std::string wanted = numbers(200'000);
  for (const size_t piece : {size_t{100}, size_t{30'000}, wanted.size()}) {
    net::Loop loop;
    PageThreads threads(loop);
    Reader reader(loop);
    reader.job = threads.start(reader, [&](const telemetry::Sink& sink) {
      for (size_t at = 0; at < wanted.size(); at += piece) sink(wanted.substr(at, piece));
    });
    loop.run();
    EXPECT_EQ(reader.text, wanted);
    EXPECT_LE(reader.longest, PageJob::kMostBuffered);
  }
}

TEST(PageThreads, anEmptyPageEndsToo) {
  net::Loop loop;
  PageThreads threads(loop);
  Reader reader(loop);
  reader.job = threads.start(reader, [](const telemetry::Sink&) {});
  loop.run();
  EXPECT_EQ(reader.text, "");
  EXPECT_EQ(reader.told, 1);
}

TEST(PageThreads, aRendererWaitsForItsReaderAndIsFreedByCancel) {
  if (!tellsOfThreads()) GTEST_SKIP() << "no /proc here";
  net::Loop loop;
  std::atomic<size_t> put = 0;
  Reader reader(loop);
  reader.stalled = true;
  {
    PageThreads threads(loop);
    reader.job = threads.start(reader, [&](const telemetry::Sink& sink) {
      for (int i = 0; i < 1000; ++i) {
        sink(std::string(1024, 'x'));
        put += 1024;
      }
    });
    awaitOthersAsleep();
    EXPECT_EQ(put, PageJob::kMostBuffered);
    reader.job->cancel();
  }  // would never return if the renderer still waited
  EXPECT_EQ(put, 1000u * 1024);
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(reader.told, 0);
}

// As when a socket becomes writable just before the message comes.
TEST(PageThreads, aReaderThatTookTheLastUnaskedHearsNoMore) {
  net::Loop loop;
  Reader reader(loop);
  {
    PageThreads threads(loop);
    reader.job = threads.start(reader, [](const telemetry::Sink& sink) { sink("x"); });
    while (!reader.job->take().last) std::this_thread::yield();
  }
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(reader.told, 0);
}

TEST(PageThreads, moreJobsThanThreadsTakeTurns) {
  net::Loop loop;
  PageThreads threads(loop);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::vector<std::unique_ptr<Reader>> readers;
  for (size_t i = 0; i < 3 * PageThreads::kThreads; ++i) {
    readers.push_back(std::make_unique<Reader>(loop));
    readers.back()->job = threads.start(*readers.back(), [&](const telemetry::Sink& sink) {
      const int now = ++running;
      if (now > most) most = now;
      sink(numbers(20'000));
      --running;
    });
  }
  const std::string wanted = numbers(20'000);
  const auto all = [&] {
    for (const auto& reader : readers) {
      if (!reader->done) return false;
    }
    return true;
  };
  while (!all()) loop.run();  // each reader stops the loop once
  for (const auto& reader : readers) EXPECT_EQ(reader->text, wanted);
  EXPECT_LE(most, static_cast<int>(PageThreads::kThreads));
}

}  // namespace
}  // namespace weir::admin
