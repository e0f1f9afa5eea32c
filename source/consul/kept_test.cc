// What an earlier process kept, and how long it counts.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "source/consul/scripted_agent.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Kept : public ScriptedAgent {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / "consul-XXXXXX";
    ASSERT_NE(::mkdtemp(path_.data()), nullptr);
    auto opened = xds::StateDirectory::open(path_, StatScope(stats));
    ASSERT_TRUE(opened) << opened.error().text;
    directory_ = *std::move(opened);
    kept = directory_.get();
    make();
  }
  ~Kept() override {
    directory_.reset();
    std::filesystem::remove_all(path_);
  }
  // As after another start, which finds nobody to ask.
  std::unique_ptr<ServiceWatch> startAlone(std::chrono::milliseconds takes = 0ms) {
    directory_->flush();
    agent.reset();
    failConnections();
    delay = takes;
    make();
    return watch("web", user);
  }

  std::string path_;
  std::unique_ptr<xds::StateDirectory> directory_;
  Listener user;
};

TEST_F(Kept, IsUsedWhenConsulDoesNotAnswer) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  auto web = watch("web", user);
  pass(1s);
  EXPECT_EQ(agent->staleness(), "");
  web.reset();
  user.take();
  web = startAlone();
  EXPECT_THAT(user.take(), IsEmpty()) << "perhaps Consul answers";
  pass(10ms);
  EXPECT_THAT(user.take(), ElementsAre("web-1@10.0.0.1:80", "!no_answer"));
  EXPECT_TRUE(web->watch().kept());
  EXPECT_THAT(agent->staleness(), HasSubstr("1 answer(s) of Consul as they were saved at 2"));
}

TEST_F(Kept, CountsNoMoreWhenConsulAnswers) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  auto web = watch("web", user);
  pass(1s);
  web.reset();
  web = startAlone();
  pass(1s);
  user.take();
  faulty.reset();
  pass(30s);
  EXPECT_THAT(user.take(), ElementsAre("well")) << "it is the same list";
  EXPECT_FALSE(web->watch().kept());
  EXPECT_EQ(agent->staleness(), "");
}

TEST_F(Kept, IsUsedWhenConsulTakesItsTime) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  auto web = watch("web", user);
  pass(1s);
  web.reset();
  user.take();
  web = startAlone(5s);
  pass(900ms);
  EXPECT_EQ(web->current(), nullptr);
  pass(200ms);
  EXPECT_THAT(user.take(), ElementsAre("web-1@10.0.0.1:80"));
  EXPECT_TRUE(web->watch().kept());
}

// What is in use then is what Consul said, however old.
TEST_F(Kept, IsNotLookedAtLater) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  const auto web = watch("web", user);
  pass(1s);
  change("web", "[]");
  pass(1s);
  user.take();
  failConnections();
  pass(1min);
  EXPECT_THAT(user.take(), ElementsAre("!no_answer"));
  EXPECT_TRUE(web->current()->empty());
  EXPECT_FALSE(web->watch().kept());
}

TEST_F(Kept, OfAnotherQuestionIsNotUsed) {
  services["web"].body = "[" + instanceJson("web-1", 80) + "]";
  auto web = watch("web", user);
  pass(1s);
  web.reset();
  web = startAlone();
  Listener other;
  const auto shop = watch("shop", other);
  pass(10ms);
  EXPECT_THAT(other.take(), ElementsAre("!no_answer"));
  EXPECT_EQ(shop->current(), nullptr);
}

}  // namespace
}  // namespace weir::consul
