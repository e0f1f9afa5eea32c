#include "source/cluster/subsets.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "source/cluster/planned.h"
#include "source/telemetry/stat_store.h"

namespace weir::cluster {
namespace {

envoy::config::core::v3::Metadata metadata(const std::string& balancing) {
  envoy::config::core::v3::Metadata proto;
  const std::string json = R"({"filter_metadata": {"envoy.lb": )" + balancing + "}}";
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &proto).ok()) << json;
  return proto;
}

class SubsetsTest : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& balancing, Health health = Health::Healthy) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->text = name;
    endpoint->health = health;
    if (!balancing.empty()) endpoint->metadata = EndpointMetadata::from(metadata(balancing));
    set_->all.push_back(std::move(endpoint));
  }

  // The cluster's part of the configuration.
  void configure(const std::string& subset_config) {
    const Planned planned = plan(R"({"name": "c", "lb_subset_config": )" + subset_config +
                                 R"(, "load_assignment": {"cluster_name": "c"}})");
    ASSERT_TRUE(planned.plan) << planned.text();
    cluster_.emplace(0, planned.plan->settings, StatScope(stats_));
    update();
  }

  void update() {
    all_.update(set_, *cluster_);
    subsets_.update(*set_, *cluster_, all_);
  }

  // Who has 100 requests that want this; how often each.
  std::map<std::string, int> share(const std::string& wanted) {
    const CriteriaPtr criteria = wanted.empty() ? nullptr : criteriaOf(metadata(wanted), nullptr);
    std::mt19937_64 random(1);
    std::map<std::string, int> counts;
    for (int i = 0; i < 100; ++i) {
      uint32_t index;
      const bool found = subsets_.choose(criteria.get(), random(), index);
      ++counts[found ? set_->all.at(index)->text : "nobody"];
    }
    return counts;
  }
  // The names, each of which had some.
  std::string who(const std::string& wanted) {
    std::string names;
    for (const auto& [name, count] : share(wanted)) names += (names.empty() ? "" : " ") + name;
    return names;
  }
  uint64_t stat(const char* name) { return stats_.value(name).value_or(0); }

  StatStore stats_;
  std::shared_ptr<EndpointSet> set_ = std::make_shared<EndpointSet>();
  std::optional<Cluster> cluster_;
  Balancer all_{0};
  Subsets subsets_{0};
};

constexpr const char* kByVersion = R"({"subset_selectors": [{"keys": ["version"]}]})";

TEST_F(SubsetsTest, ARequestGoesToThoseThatHaveWhatItWants) {
  add("a", R"({"version": "1"})");
  add("b", R"({"version": "2", "stage": "prod"})");
  add("c", R"({"version": "2"})");
  add("d", "");
  configure(R"({"subset_selectors": [{"keys": ["version"]}, {"keys": ["stage", "version"]}]})");
  EXPECT_EQ(who(R"({"version": "1"})"), "a");
  EXPECT_EQ(share(R"({"version": "2"})"), (std::map<std::string, int>{{"b", 50}, {"c", 50}}));
  EXPECT_EQ(who(R"({"version": "2", "stage": "prod"})"), "b");
  EXPECT_EQ(who(R"({"version": "3"})"), "nobody");
  EXPECT_EQ(who(R"({"stage": "prod"})"), "nobody") << "no selector has just this key";
  EXPECT_EQ(who(""), "nobody") << "who wants nothing falls back, too";
  EXPECT_EQ(stat("lb_subsets_selected"), 300u);
  EXPECT_EQ(stat("lb_subsets_active"), 3u);
}

TEST_F(SubsetsTest, ValuesOfOtherKindsAreComparedAsWhatTheyAre) {
  add("number", R"({"version": 1})");
  add("text", R"({"version": "1"})");
  add("truth", R"({"version": true})");
  add("list", R"({"version": [1, 2]})");
  configure(kByVersion);
  EXPECT_EQ(who(R"({"version": 1.0})"), "number");
  EXPECT_EQ(who(R"({"version": "1"})"), "text");
  EXPECT_EQ(who(R"({"version": true})"), "truth");
  EXPECT_EQ(who(R"({"version": [1, 2]})"), "list");
  EXPECT_EQ(who(R"({"version": 2})"), "nobody");
}

TEST_F(SubsetsTest, AListIsEachOfItsItemsWhereThatIsAsked) {
  add("a", R"({"tags": ["blue", "eu", "eu"]})");
  add("b", R"({"tags": ["green", "eu"]})");
  add("c", R"({"tags": "eu"})");
  configure(R"({"list_as_any": true, "subset_selectors": [{"keys": ["tags"]}]})");
  EXPECT_EQ(who(R"({"tags": "eu"})"), "a b c");
  EXPECT_EQ(share(R"({"tags": "eu"})").at("a"), 33) << "named twice, chosen once";
  EXPECT_EQ(who(R"({"tags": "blue"})"), "a");
  EXPECT_EQ(stat("lb_subsets_active"), 3u);
}

TEST_F(SubsetsTest, WhoFindsNoneFallsBack) {
  add("a", R"({"version": "1"})");
  add("b", R"({"version": "2"})");
  configure(R"({"fallback_policy": "ANY_ENDPOINT", "subset_selectors": [{"keys": ["version"]}]})");
  EXPECT_EQ(who(R"({"version": "3"})"), "a b");
  EXPECT_EQ(who(R"({"else": "3"})"), "a b");
  EXPECT_EQ(who(""), "a b");
  EXPECT_EQ(stat("lb_subsets_fallback"), 300u);
  configure(R"({"fallback_policy": "DEFAULT_SUBSET", "default_subset": {"version": "2"},
                "subset_selectors": [{"keys": ["version"]}]})");
  EXPECT_EQ(who(R"({"version": "3"})"), "b");
  EXPECT_EQ(who(R"({"version": "1"})"), "a");
  set_ = std::make_shared<EndpointSet>();
  add("a", R"({"version": "1"})");
  update();
  EXPECT_EQ(who(R"({"version": "2"})"), "nobody") << "the default subset is empty";
  configure(R"({"fallback_policy": "DEFAULT_SUBSET", "default_subset": {"version": "2"},
                "panic_mode_any": true, "subset_selectors": [{"keys": ["version"]}]})");
  EXPECT_EQ(who(R"({"version": "2"})"), "a");
  EXPECT_EQ(stat("lb_subsets_fallback_panic"), 100u);
}

TEST_F(SubsetsTest, ASelectorMayFallBackAsItSays) {
  add("a", R"({"version": "1", "stage": "prod"})");
  add("b", R"({"version": "1", "stage": "dev"})");
  add("c", R"({"version": "2", "stage": "dev"})");
  configure(R"({"fallback_policy": "ANY_ENDPOINT", "subset_selectors": [
      {"keys": ["version"], "fallback_policy": "NO_FALLBACK"},
      {"keys": ["version", "stage"], "fallback_policy": "KEYS_SUBSET",
       "fallback_keys_subset": ["version"]}]})");
  EXPECT_EQ(who(R"({"version": "1", "stage": "test"})"), "a b");
  EXPECT_EQ(who(R"({"version": "2", "stage": "dev"})"), "c");
  EXPECT_EQ(who(R"({"version": "3", "stage": "dev"})"), "nobody");
  EXPECT_EQ(who(R"({"version": "3"})"), "nobody");
  EXPECT_EQ(who(R"({"other": "3"})"), "a b c");
}

// As in Envoy: the panic of a subset is its own.
TEST_F(SubsetsTest, HealthCountsInEachSubset) {
  add("a", R"({"version": "1"})", Health::Unhealthy);
  add("b", R"({"version": "2"})", Health::Unhealthy);
  add("c", R"({"version": "2"})");
  add("d", R"({"version": "2"})");
  configure(kByVersion);
  EXPECT_EQ(who(R"({"version": "1"})"), "a") << "in panic";
  EXPECT_EQ(who(R"({"version": "2"})"), "c d");
}

TEST_F(SubsetsTest, SubsetsComeAndGoWithTheirEndpoints) {
  add("a", R"({"version": "1"})");
  configure(kByVersion);
  const auto former = set_;
  set_ = std::make_shared<EndpointSet>(*former);
  add("b", R"({"version": "2"})");
  update();
  EXPECT_EQ(who(R"({"version": "2"})"), "b");
  EXPECT_EQ(stat("lb_subsets_active"), 2u);
  set_ = std::make_shared<EndpointSet>();
  add("b", R"({"version": "2"})");
  update();
  EXPECT_EQ(who(R"({"version": "1"})"), "nobody");
  EXPECT_EQ(who(R"({"version": "2"})"), "b");
  EXPECT_EQ(stat("lb_subsets_active"), 1u);
  EXPECT_EQ(stat("lb_subsets_removed"), 1u);
  EXPECT_EQ(stat("lb_subsets_created"), 2u);
}

TEST(PlanSubsets, WhatIsWrongIsRefused) {
  const auto errors = [](const std::string& config) {
    return plan(R"({"name": "c", "load_assignment": {"cluster_name": "c"},
                    "lb_subset_config": )" +
                config + "}")
        .errors();
  };
  const std::string in = "lb_subset_config.subset_selectors[0]";
  EXPECT_EQ(errors(R"({"subset_selectors": [{}]})"), Paths{in + ".keys"});
  EXPECT_EQ(errors(R"({"subset_selectors": [{"keys": ["a"], "fallback_keys_subset": ["a"]}]})"),
            Paths{in + ".fallback_keys_subset"});
  for (const char* fewer : {R"(["a", "b"])", R"(["c"])", "[]"}) {
    EXPECT_EQ(errors(R"({"subset_selectors": [{"keys": ["a", "b"],
                         "fallback_policy": "KEYS_SUBSET", "fallback_keys_subset": )" +
                     std::string(fewer) + "}]}"),
              Paths{in + ".fallback_keys_subset"})
        << fewer;
  }
  EXPECT_EQ(errors(R"({"subset_selectors": [{"keys": ["a", "b"]}, {"keys": ["b", "a"]}]})"),
            Paths{"lb_subset_config.subset_selectors[1].keys"});
  EXPECT_EQ(errors(R"({"subset_selectors": [{"keys": ["a"], "single_host_per_subset": true}]})"),
            Paths{in + ".single_host_per_subset"});
  EXPECT_EQ(errors(R"({"subset_selectors": [{"keys": ["a"]}], "scale_locality_weight": true,
                       "metadata_fallback_policy": "FALLBACK_LIST"})"),
            (Paths{"lb_subset_config.metadata_fallback_policy",
                   "lb_subset_config.scale_locality_weight"}));
}

TEST(PlanSubsets, TheyMayBeAPolicy) {
  const std::string policy = R"({"name": "c", "load_assignment": {"cluster_name": "c"},
      "load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "x",
        "typed_config": {
          "@type":
            "type.googleapis.com/envoy.extensions.load_balancing_policies.subset.v3.Subset",
          "fallback_policy": "ANY_ENDPOINT", "subset_selectors": [{"keys": ["version"]}],
          "subset_lb_policy": {"policies": [{"typed_extension_config": {"name": "y",
            "typed_config": {"@type":
              "type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random"
      }}}]}}}}]})";
  const Planned planned = plan(policy + "}");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.plan->settings.lb_policy, LbPolicy::Random);
  ASSERT_NE(planned.plan->settings.subsets, nullptr);
  EXPECT_EQ(planned.plan->settings.subsets->fallback, SubsetSettings::Fallback::Anybody);
  EXPECT_EQ(planned.plan->settings.subsets->selectors.at(0).keys,
            std::vector<std::string>{"version"});
  EXPECT_EQ(plan(policy + R"(, "lb_subset_config": {"fallback_policy": "ANY_ENDPOINT"}})").errors(),
            Paths{"lb_subset_config"});
}

}  // namespace
}  // namespace weir::cluster
