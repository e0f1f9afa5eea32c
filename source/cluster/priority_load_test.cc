#include "source/cluster/priority_load.h"

#include <gtest/gtest.h>

#include <ostream>

namespace weir::cluster {

// For EXPECT_EQ.
static bool operator==(const PriorityLoad& one, const PriorityLoad& other) {
  return one.healthy == other.healthy && one.degraded == other.degraded && one.panic == other.panic;
}
static void PrintTo(const PriorityLoad& load, std::ostream* out) {
  *out << load.healthy << '/' << load.degraded << (load.panic ? " in panic" : "");
}

namespace {

using Loads = std::vector<PriorityLoad>;

// Of endpoints with a weight of 1.
PriorityMembers of(uint64_t all, uint64_t healthy, uint64_t degraded = 0, uint64_t draining = 0) {
  const Tally tally{all, healthy, degraded, draining};
  return {tally, tally};
}

constexpr PriorityRules kUsual;
constexpr uint32_t kThreshold = 50;

// Percent healthy of each priority -> percent of the requests.
struct Row {
  std::vector<uint32_t> healthy, loads;
};

void expectRows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::vector<PriorityMembers> priorities;
    for (const uint32_t healthy : row.healthy) priorities.push_back(of(100, healthy));
    Loads expected;
    for (const uint32_t load : row.loads) expected.push_back({load});
    EXPECT_EQ(shareLoad(priorities, kUsual, 0), expected) << testing::PrintToString(row.healthy);
  }
}

TEST(PriorityLoad, TwoLevelsAsEnvoyDocumentsThem) {
  expectRows({{{100, 100}, {100, 0}},
              {{72, 100}, {100, 0}},
              {{71, 100}, {99, 1}},
              {{50, 100}, {70, 30}},
              {{25, 100}, {35, 65}},
              {{0, 100}, {0, 100}},
              {{72, 72}, {100, 0}},
              {{71, 71}, {99, 1}},
              {{50, 50}, {70, 30}},
              {{25, 25}, {50, 50}}});
}

TEST(PriorityLoad, ThreeLevelsAsEnvoyDocumentsThem) {
  expectRows({{{100, 100, 100}, {100, 0, 0}},
              {{72, 72, 100}, {100, 0, 0}},
              {{71, 71, 100}, {99, 1, 0}},
              {{50, 50, 100}, {70, 30, 0}},
              {{25, 100, 100}, {35, 65, 0}},
              {{25, 25, 100}, {35, 35, 30}},
              // 36, 36, 28 there; but the first one gets what rounding left, in Envoy too.
              {{25, 25, 20}, {37, 35, 28}}});
}

TEST(PriorityLoad, DegradedAsEnvoyDocumentsThem) {
  const auto loads = [](uint64_t healthy, uint64_t degraded) {
    return shareLoad({of(100, healthy, degraded)}, kUsual, 0).front();
  };
  EXPECT_EQ(loads(100, 0), (PriorityLoad{100, 0}));
  EXPECT_EQ(loads(71, 0), (PriorityLoad{100, 0}));
  EXPECT_EQ(loads(71, 29), (PriorityLoad{99, 1}));
  EXPECT_EQ(loads(25, 65), (PriorityLoad{35, 65}));
  EXPECT_EQ(loads(5, 0), (PriorityLoad{100, 0}));
}

TEST(PriorityLoad, DegradedOnesServeAfterTheHealthyOnesOfAllPriorities) {
  EXPECT_EQ(shareLoad({of(10, 2, 8), of(10, 2, 8)}, kUsual, kThreshold),
            (Loads{{28, 44}, {28, 0}}));
  EXPECT_EQ(shareLoad({of(10, 0, 10), of(10, 10)}, kUsual, kThreshold), (Loads{{0, 0}, {100, 0}}));
  // Too few of both: each gets its part, and the first healthy ones what rounding left.
  EXPECT_EQ(shareLoad({of(100, 10, 20), of(100, 20, 10), of(100, 10)}, kUsual, 0),
            (Loads{{16, 28}, {28, 14}, {14, 0}}));
}

struct PanicRow {
  uint64_t first, second;
  Loads loads;
};

TEST(PriorityLoad, PanicOnlyWhereAllTogetherAreTooFew) {
  const std::vector<PanicRow> rows = {
      {72, 100, {{100}, {0}}},       {25, 100, {{35}, {65}}},
      {0, 100, {{0}, {100}}},        {71, 71, {{99}, {1}}},
      {50, 60, {{70}, {30}}},        {25, 25, {{50, 0, true}, {50, 0, true}}},
      {5, 65, {{8, 0, true}, {92}}}, {0, 0, {{50, 0, true}, {50, 0, true}}},
  };
  for (const PanicRow& row : rows) {
    EXPECT_EQ(shareLoad({of(100, row.first), of(100, row.second)}, kUsual, kThreshold), row.loads)
        << row.first << ' ' << row.second;
  }
}

TEST(PriorityLoad, ThePanicThresholdItselfIsEnough) {
  const PriorityRules exactly{100, false};
  EXPECT_FALSE(shareLoad({of(10, 3, 2)}, exactly, kThreshold).front().panic);
  EXPECT_TRUE(shareLoad({of(100, 40, 9)}, exactly, kThreshold).front().panic);
  EXPECT_TRUE(shareLoad({of(100, 40, 10)}, exactly, 51).front().panic);
}

TEST(PriorityLoad, WhereAllAreInPanicTheirSizesDecide) {
  EXPECT_EQ(shareLoad({of(1, 0), of(3, 1), of(5, 0)}, kUsual, kThreshold),
            (Loads{{12, 0, true}, {33, 0, true}, {55, 0, true}}));
}

TEST(PriorityLoad, WithoutPanicNobodyGetsWhatNobodyMayHave) {
  EXPECT_EQ(shareLoad({of(4, 0), of(4, 0)}, kUsual, 0), (Loads{{}, {}}));
  EXPECT_EQ(shareLoad({of(4, 0), of(1000, 1)}, kUsual, 0), (Loads{{}, {100}})) << "below 1%";
  EXPECT_EQ(shareLoad({of(1000, 0, 1)}, kUsual, 0), (Loads{{0, 100}}));
  EXPECT_TRUE(shareLoad({}, kUsual, kThreshold).empty());
}

TEST(PriorityLoad, TheFactorAndTheWeightsAreThoseOfTheRules) {
  EXPECT_EQ(shareLoad({of(10, 6), of(10, 10)}, {100, false}, kThreshold), (Loads{{60}, {40}}));
  EXPECT_EQ(shareLoad({of(10, 5), of(10, 10)}, {200, false}, kThreshold), (Loads{{100}, {0}}));
  EXPECT_EQ(shareLoad({of(1000000, 1), of(1, 1)}, {UINT32_MAX, false}, 0), (Loads{{100}, {0}}));
  const PriorityMembers heavy_one{{2, 1}, {10, 9}};
  EXPECT_EQ(shareLoad({heavy_one, of(1, 1)}, {100, true}, kThreshold), (Loads{{90}, {10}}));
  EXPECT_EQ(shareLoad({heavy_one, of(1, 1)}, {100, false}, kThreshold), (Loads{{50}, {50}}));
}

TEST(PriorityLoad, WhoDrainsIsNotMissed) {
  EXPECT_EQ(shareLoad({of(10, 4, 0, 6), of(1, 1)}, kUsual, kThreshold), (Loads{{100}, {0}}));
  EXPECT_EQ(shareLoad({of(3, 0, 0, 3)}, kUsual, kThreshold), (Loads{{100, 0, true}}));
}

}  // namespace
}  // namespace weir::cluster
