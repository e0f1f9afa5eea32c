// What is kept across starts: files, and what becomes of them when nobody answers.
#include "source/xds/saved_state.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using namespace std::chrono_literals;
using enum ResourceType;
namespace fs = std::filesystem;

class Saved : public ScriptedServer {
 protected:
  Saved() {
    path_ = fs::temp_directory_path() / "state-XXXXXX";
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
    openDirectory();
  }
  ~Saved() override {
    source.reset();
    directory_.reset();
    fs::remove_all(path_);
  }

  void openDirectory() {
    auto opened = StateDirectory::open(path_, StatScope(stats));
    ASSERT_TRUE(opened) << opened.error().text;
    directory_ = *std::move(opened);
  }
  // As a process that has just been started.
  void start(bool delta) {
    source.reset();
    make(delta, std::nullopt, true, [this](TypeState& state) {
      state.keepIn(*directory_, StateDirectory::nameOf(state.facts().title, "a test"));
    });
    sent.clear();
  }
  // So long that changes are saved.
  void keep() {
    pass(SavedState::kTogether + 100ms);
    directory_->flush();
  }
  std::string file() const {
    for (const auto& entry : fs::directory_iterator(path_)) return entry.path();
    return {};
  }

  std::string path_;
  std::unique_ptr<StateDirectory> directory_;
};

TEST_F(Saved, WhatWasAcceptedIsThereWhenNobodyAnswers) {
  for (const bool delta : {false, true}) {
    start(delta);
    Probe probe;
    {
      const auto all = watch(Cluster, probe, Watch::Kind::All);
      connect();
      delta ? say(xds::delta(Cluster, "0", {"a", "b"}))
            : say(sotw(Cluster, "1", "1", {cluster("a"), cluster("b")}));
      keep();
      EXPECT_EQ(probe.take(), (Strings{"+a@1", "+b@1"}));
    }
    start(delta);
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    EXPECT_TRUE(probe.take().empty());
    breakStream();
    EXPECT_TRUE(probe.take().empty()) << "its cluster may only not be there yet";
    pass(700ms);
    EXPECT_EQ(probe.take(), (Strings{"+a@1", "+b@1"})) << delta;
    EXPECT_NE(source->of(Cluster).staleness().find("2 cluster(s) as they were saved at"),
              std::string::npos);
    pass(600ms);
    sent.clear();
    delta ? say(xds::delta(Cluster, "0", {"a"})) : say(sotw(Cluster, "2", "1", {cluster("a")}));
    if (delta) pass(11s);
    EXPECT_EQ(probe.take(), Strings{"-b"}) << delta;
    EXPECT_EQ(source->of(Cluster).staleness(), "");
    keep();
  }
}

// A control plane that begins to count anew could otherwise take the saved for its own.
TEST_F(Saved, VersionsOfWhatIsStaleAreNotTold) {
  start(true);
  Probe probe;
  {
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    say(xds::delta(Cluster, "0", {"a"}));
    keep();
  }
  start(true);
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  pass(700ms);
  EXPECT_NE(source->of(Cluster).staleness(), "");
  breakStream();
  sent.clear();
  pass(600ms);
  EXPECT_EQ(request<DeltaRequest>().initial_resource_versions_size(), 0);
  say(xds::delta(Cluster, "0", {"a"}));
  breakStream();
  sent.clear();
  pass(1s);
  EXPECT_EQ(request<DeltaRequest>().initial_resource_versions_size(), 1);
}

// What is not confirmed goes only when the server had the time to say it.
TEST_F(Saved, AStreamThatEndsSoonConfirmsNothing) {
  start(true);
  Probe probe;
  {
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    say(xds::delta(Cluster, "0", {"a", "b"}));
    keep();
  }
  start(true);
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  pass(700ms);
  say(xds::delta(Cluster, "0", {"a"}));
  probe.take();
  breakStream();
  pass(20s);
  EXPECT_TRUE(probe.take().empty());
  say(xds::delta(Cluster, "0", {"a"}));
  pass(11s);
  EXPECT_EQ(probe.take(), Strings{"-b"});
}

TEST_F(Saved, WhoSaysNothingIsNotWaitedForLong) {
  start(false);
  Probe probe;
  {
    const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
    connect();
    say(sotw(Endpoints, "1", "1", {endpoints("a")}));
    keep();
    probe.take();
  }
  start(false);
  Probe other;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  pass(600ms);
  EXPECT_TRUE(probe.take().empty());
  pass(200ms);
  EXPECT_EQ(probe.take(), Strings{"+a@1"});
  const auto b = watch(Endpoints, other, Watch::Kind::Name, "b");
  pass(0ms);
  EXPECT_EQ(other.take(), Strings{"-b"}) << "nobody knows of it";
  say(sotw(Endpoints, "2", "1", {endpoints("b")}));
  EXPECT_EQ(other.take(), Strings{"+b@2"});
}

TEST_F(Saved, WhoAnswersIsBelieved) {
  start(false);
  Probe probe;
  {
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    say(sotw(Cluster, "1", "1", {cluster("a")}));
    keep();
    probe.take();
  }
  start(false);
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "2", "1", {}));
  EXPECT_EQ(probe.take(), Strings{"nothing"});
  breakStream();
  pass(1s);
  EXPECT_TRUE(probe.take().empty()) << "the saved is of before its word";
}

TEST_F(Saved, FilesAreWholeOrNotUsed) {
  directory_->write("x", "what was said");
  directory_->flush();
  ASSERT_TRUE(directory_->read("x"));
  EXPECT_EQ(directory_->read("x")->text, "what was said");
  EXPECT_FALSE(directory_->read("y"));
  struct stat facts {};
  ASSERT_EQ(::stat(file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  const auto size = fs::file_size(file());
  for (const size_t cut : {size - 1, size - 5, size_t{20}, size_t{3}, size_t{0}}) {
    fs::resize_file(file(), cut);
    EXPECT_FALSE(directory_->read("x")) << cut;
  }
  std::ofstream(file()) << "weir-state-1\nnot what its sum says, and not what anybody said";
  EXPECT_FALSE(directory_->read("x"));
}

// As when the disk is full: what was there before stays, and nothing half is left behind.
TEST_F(Saved, WhatCannotBeWrittenChangesNothing) {
  directory_->write("x", "before");
  directory_->flush();
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto former = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  directory_->write("x", std::string(1000, 'x'));
  directory_->flush();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, former);
  EXPECT_EQ(directory_->read("x")->text, "before");
  EXPECT_EQ(stat("control_plane.state_save_failed"), 1u);
  EXPECT_EQ(std::distance(fs::directory_iterator(path_), fs::directory_iterator()), 1);
  directory_->write("x", "after");
  directory_->flush();
  EXPECT_EQ(directory_->read("x")->text, "after");
}

TEST_F(Saved, DirectoriesThatOthersWriteToAreRefused) {
  ::chmod(path_.c_str(), 0777);
  const auto opened = StateDirectory::open(path_, StatScope(stats));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("others may write"), std::string::npos);
  EXPECT_FALSE(StateDirectory::open("/proc/nothing/here", StatScope(stats)));
  EXPECT_FALSE(StateDirectory::open("/dev/null", StatScope(stats)));
}

}  // namespace
}  // namespace weir::xds
