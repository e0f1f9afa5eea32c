#include "source/telemetry/stat_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace weir {
namespace {

using telemetry::StatThread;

TEST(StatStore, sameNameGivesTheSameHandle) {
  StatStore store;
  const StatScope http =
      StatScope(store).scope("http").tagged("ingress", "envoy_http_conn_manager_prefix");
  const Counter first = http.counter("downstream_rq_total");
  const Counter second =
      StatScope(store).scope("http").scope("ingress").counter("downstream_rq_total");
  EXPECT_EQ(first.cell(), second.cell());
  first.add(3);
  second.add(4);
  EXPECT_EQ(store.value("http.ingress.downstream_rq_total"), 7u);
}

TEST(StatStore, kindsWithOneNameAreApart) {
  StatStore store;
  const StatScope scope(store);
  EXPECT_NE(scope.counter("a").cell(), scope.gauge("a").cell());
}

TEST(StatStore, unknownNameHasNoValue) {
  StatStore store;
  EXPECT_EQ(store.value("nothing"), std::nullopt);
}

TEST(StatStore, keepsTagsOutOfTheFamily) {
  StatStore store;
  const StatScope cluster = StatScope(store).scope("cluster").tagged("a.b", "envoy_cluster_name");
  cluster.counter("upstream_rq_200", "upstream_rq", "envoy_response_code", "200");
  const auto list = store.sorted();
  const Metric& metric = *list->front();
  EXPECT_EQ(metric.name, "cluster.a.b.upstream_rq_200");
  EXPECT_EQ(*metric.family, "cluster.upstream_rq");
  const StatTags expected = {{"envoy_cluster_name", "a.b"}, {"envoy_response_code", "200"}};
  EXPECT_EQ(*metric.tags, expected);
}

TEST(StatStore, scopeWithoutStoreCountsNowhere) {
  const StatScope scope;
  scope.counter("a").add();
  scope.gauge("b").set(3);
  scope.histogram("c", Histogram::Unit::Bytes).record(uint64_t{1} << 40);
  EXPECT_EQ(scope.counter("a").cell(), 0u);
}

TEST(StatStore, sumsThreadsAndSurvivesThem) {
  StatStore store;
  const Counter counter = StatScope(store).counter("hits");
  const Gauge gauge = StatScope(store).gauge("open");
  std::atomic<bool> done{false};
  std::thread reader([&] {
    uint64_t last = 0;
    while (!done) {
      const uint64_t now = *store.value("hits");
      EXPECT_GE(now, last);
      last = now;
    }
  });
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&, w] {
      std::optional<StatThread> attached;
      if (w % 2 == 0) attached.emplace();  // the others get a block at their first count
      for (int i = 0; i < 20000; ++i) {
        counter.add();
        gauge.add();
        if (i % 2 == 0) gauge.sub();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  done = true;
  reader.join();
  EXPECT_EQ(store.value("hits"), 80000u);
  EXPECT_EQ(store.value("open"), 40000u);
  std::thread([&] {
    StatThread attached;
    counter.add(5);
  }).join();
  EXPECT_EQ(store.value("hits"), 80005u);
}

TEST(StatStore, gaugeGoesDownInAnotherThread) {
  StatStore store;
  const Gauge gauge = StatScope(store).gauge("open");
  std::thread([&] { gauge.add(5); }).join();
  std::thread([&] { gauge.sub(4); }).join();
  EXPECT_EQ(store.value("open"), 1u);
  gauge.sub(3);  // more than there is: shown as 0, not as 2^64
  EXPECT_EQ(store.value("open"), 0u);
}

TEST(StatStore, resetKeepsGaugesAndWriters) {
  StatStore store;
  const Counter counter = StatScope(store).counter("hits");
  const Gauge gauge = StatScope(store).gauge("live");
  counter.add(10);
  gauge.set(1);
  store.resetCounters();
  EXPECT_EQ(store.value("hits"), 0u);
  EXPECT_EQ(store.value("live"), 1u);
  counter.add(2);
  EXPECT_EQ(store.value("hits"), 2u);
}

TEST(StatStore, outOfCellsCountsNowhereAndSaysSo) {
  StatStore store(3);
  const StatScope scope(store);
  EXPECT_NE(scope.counter("a").cell(), 0u);
  const Histogram refused = scope.histogram("h", Histogram::Unit::None);
  EXPECT_EQ(refused.cell(), Histogram().cell());
  refused.record(1);
  EXPECT_NE(scope.counter("b").cell(), 0u);
  EXPECT_EQ(scope.counter("c").cell(), 0u);
  EXPECT_EQ(store.value("stats.overflow"), 2u);
  EXPECT_EQ(store.value("c"), std::nullopt);
}

TEST(StatStore, sortedListGrowsInOrder) {
  StatStore store;
  const StatScope scope(store);
  scope.counter("m");
  scope.counter("b");
  EXPECT_EQ(store.sorted()->size(), 3u);
  scope.counter("a");
  scope.counter("z");
  std::vector<std::string> names;
  for (const Metric* metric : *store.sorted()) names.push_back(metric->name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "m", "stats.overflow", "z"}));
}

TEST(StatStore, handlesAreMadeWhileOthersCountAndRead) {
  StatStore store;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        StatScope(store).counter("c" + std::to_string(i)).add();
        if (t == 0) store.sorted();
        if (t == 1) store.flushInterval();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < 300; ++i) EXPECT_EQ(store.value("c" + std::to_string(i)), 3u);
}

TEST(StatStore, countersAreResetWhileOthersAreMade) {
  StatStore store;
  const Counter counter = StatScope(store).counter("counted");
  counter.add();
  std::atomic<bool> done{false};
  std::thread maker([&] {
    for (int i = 0; i < 2000; ++i) {
      StatScope(store).counter("c" + std::to_string(i));
      store.sorted();
    }
    done = true;
  });
  while (!done) store.resetCounters();
  maker.join();
  EXPECT_EQ(store.value("counted"), 0u);
}

const Metric& only(const StatStore& store, std::string_view name) {
  const auto list = store.sorted();
  for (const Metric* metric : *list) {
    if (metric->name == name) return *metric;
  }
  ADD_FAILURE() << "no metric " << name;
  return *list->front();
}

TEST(StatStore, histogramIntervalIsBetweenTheLastTwoFlushes) {
  StatStore store;
  const Histogram time = StatScope(store).histogram("time", Histogram::Unit::Microseconds);
  const Metric& metric = only(store, "time");
  time.record(5);
  EXPECT_TRUE(store.interval(metric).empty());
  store.flushInterval();
  EXPECT_EQ(store.interval(metric).count(), 1u);
  time.record(7);
  time.record(0);
  EXPECT_EQ(store.interval(metric).count(), 1u);
  store.flushInterval();
  EXPECT_EQ(store.interval(metric).count(), 2u);
  EXPECT_EQ(store.interval(metric).sum(), 7u);
  EXPECT_EQ(store.cumulative(metric).count(), 3u);
  store.flushInterval();
  EXPECT_TRUE(store.interval(metric).empty());
}

TEST(HistogramSnapshot, quantilesAreExactForSmallValuesAndNearForLarge) {
  StatStore store;
  const Histogram size = StatScope(store).histogram("size", Histogram::Unit::Bytes);
  for (int i = 0; i < 100; ++i) size.record(7);
  const auto small = store.cumulative(only(store, "size"));
  EXPECT_DOUBLE_EQ(small.quantile(0), 7);
  EXPECT_DOUBLE_EQ(small.quantile(0.99), 7);
  EXPECT_DOUBLE_EQ(small.quantile(1), 7);

  const Histogram time = StatScope(store).histogram("time", Histogram::Unit::Microseconds);
  for (uint64_t v = 1; v <= 100000; ++v) time.record(v);
  const auto large = store.cumulative(only(store, "time"));
  EXPECT_EQ(large.count(), 100000u);
  EXPECT_EQ(large.sum(), uint64_t{100000} * 100001 / 2);
  for (double q : {0.25, 0.5, 0.9, 0.99}) EXPECT_NEAR(large.quantile(q), q * 1e5, q * 1e5 * 0.04);
  EXPECT_NEAR(static_cast<double>(large.countUpTo(25000)), 25000, 700);
  EXPECT_EQ(large.countUpTo(3600000), 100000u);
}

TEST(HistogramSnapshot, valuesAtTheEdgesAreKept) {
  StatStore store;
  const Histogram time = StatScope(store).histogram("edge", Histogram::Unit::None);
  time.record(0);
  time.record(~uint64_t{0} >> 1);
  const auto shot = store.cumulative(only(store, "edge"));
  EXPECT_EQ(shot.count(), 2u);
  EXPECT_EQ(shot.countUpTo(0), 1u);
  EXPECT_EQ(telemetry::HistogramSnapshot().countUpTo(5), 0u);
}

}  // namespace
}  // namespace weir
