// What a filter may answer beside pass, wait and reply: that it wants the body of this message
// first, and that a last piece of body takes the place of the trailers.
#include "source/stream/lane.h"

#include "source/stream/lane_fixture.h"

namespace weir::stream {
namespace {

class LaneAnswersTest : public LaneTest {
 protected:
  // Asks at the first call; notes what there is at the second.
  void gatherIn(Scripted& filter, BodyNeed need) {
    filter.head = [this, need](RequestHead&, Stream& stream) {
      if (++calls_ == 1) return Verdict::gather(need);
      seen_ = stream.requestBody();
      return Verdict::pass();
    };
  }
  static Verdict end(Fields&, Stream&) { return Verdict::endWith("last"); }

  int calls_ = 0;
  std::string seen_;
};

TEST_F(LaneAnswersTest, ABodyThatIsAskedForIsThereAtTheSecondCall) {
  gatherIn(add(), BodyNeed::whole(100));
  head();
  body("ab");
  EXPECT_EQ(out_, "");
  body("c", true);
  EXPECT_EQ(seen_, "abc");
  EXPECT_EQ(out_, "head abc. ");
  EXPECT_EQ(length(), "3");
}

TEST_F(LaneAnswersTest, AMessageWithoutABodyIsAskedAboutTwiceAtOnce) {
  gatherIn(add(), BodyNeed::whole(100));
  head(true);
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(out_, "head. ");
  EXPECT_EQ(length(), "none");
}

TEST_F(LaneAnswersTest, APrefixIsEnoughWhereItIsAskedFor) {
  gatherIn(add(), BodyNeed::prefix(3));
  head();
  body("ab");
  EXPECT_EQ(out_, "");
  body("cde");
  EXPECT_EQ(seen_, "abcde");
  body("f", true);
  EXPECT_EQ(out_, "head abcde f. ");
  EXPECT_EQ(calls_, 2);
}

TEST_F(LaneAnswersTest, MoreThanWasAskedForIsTooLarge) {
  gatherIn(add(), BodyNeed::whole(3));
  head();
  body("abcd");
  EXPECT_EQ(out_, "too large");
}

TEST_F(LaneAnswersTest, AskingOnceMoreLetsPass) {
  add().head = [this](RequestHead&, Stream&) {
    ++calls_;
    return Verdict::gather(BodyNeed::whole(100));
  };
  head();
  body("a", true);
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(out_, "head a. ");
}

TEST_F(LaneAnswersTest, ItsOwnBodyHookSeesWhatWasGathered) {
  Scripted& filter = add(BodyNeed::stream());
  gatherIn(filter, BodyNeed::whole(100));
  filter.body = [](Chunk& chunk, Stream&) {
    chunk.data = {};
    return Verdict::pass();
  };
  head();
  body("ab");
  body("c", true);
  EXPECT_EQ(seen_, "abc");
  EXPECT_EQ(out_, "head . ");
}

TEST_F(LaneAnswersTest, AskingAfterAWaitIsTheSame) {
  Scripted& filter = add();
  filter.head = [this](RequestHead&, Stream& stream) {
    if (++calls_ == 1) return Verdict::wait(sleepThen(Verdict::gather(BodyNeed::whole(100))));
    seen_ = stream.requestBody();
    return Verdict::pass();
  };
  add().head = [](RequestHead&, Stream&) { return Verdict::pass(); };
  head();
  body("a");
  pass(60ms);
  EXPECT_EQ(out_, "");
  body("b", true);
  EXPECT_EQ(seen_, "ab");
  EXPECT_EQ(out_, "head ab. ");
}

TEST_F(LaneAnswersTest, TheNextFilterIsNotGivenWhatThisOneAskedFor) {
  gatherIn(add(), BodyNeed::whole(100));
  Scripted& second = add();
  second.head = [this](RequestHead&, Stream&) { return Verdict::wait(sleepThenPass()); };
  head();
  body("ab", true);
  EXPECT_EQ(out_, "");
  pass(60ms);
  EXPECT_EQ(out_, "head ab. ");
}

TEST_F(LaneAnswersTest, ALastPieceTakesThePlaceOfTrailers) {
  std::string seen;
  add(BodyNeed::stream()).body = [&](Chunk& chunk, Stream&) {
    seen += "1" + std::string(chunk.data);
    return Verdict::pass();
  };
  add().trailers = end;
  Scripted& later = add(BodyNeed::stream());
  later.body = [&](Chunk& chunk, Stream&) {
    seen += "3" + std::string(chunk.data) + (chunk.end ? "." : "");
    return Verdict::pass();
  };
  later.trailers = [&](Fields&, Stream&) {
    seen += "trailers";
    return Verdict::pass();
  };
  head();
  body("a");
  trailers();
  EXPECT_EQ(out_, "head a last. ");
  EXPECT_EQ(seen, "1a3a3last.") << "only filters behind it see the piece, and no trailers";
}

TEST_F(LaneAnswersTest, ALastPieceMayBeWaitedFor) {
  add().trailers = [this](Fields&, Stream&) {
    return Verdict::wait(sleepThen(Verdict::endWith("last")));
  };
  add(BodyNeed::stream()).body = [this](Chunk& chunk, Stream&) {
    return chunk.end ? Verdict::wait(sleepThenPass()) : Verdict::pass();
  };
  head();
  body("a");
  trailers();
  pass(60ms);
  EXPECT_EQ(out_, "head a ");
  pass(60ms);
  EXPECT_TRUE(out_.ends_with("last. ")) << out_;
}

TEST_F(LaneAnswersTest, ALastPieceOfABodyThatWasHeld) {
  waitInHead(add());
  add().trailers = end;
  head();
  body("a");
  trailers();
  EXPECT_EQ(out_, "");
  pass(60ms);
  EXPECT_EQ(out_, "head a last. ");
}

}  // namespace
}  // namespace weir::stream
