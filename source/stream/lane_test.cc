#include "source/stream/lane.h"

#include "source/stream/lane_fixture.h"

namespace weir::stream {
namespace {

TEST_F(LaneTest, WithoutFiltersEverythingPassesAtOnce) {
  head();
  body("a");
  body("b", true);
  EXPECT_EQ(out_, "head a b. ");
}

TEST_F(LaneTest, AWaitingHeadHoldsTheMessageInOrder) {
  waitInHead(add());
  head();
  body("a");
  body("b");
  body("c", true);
  EXPECT_EQ(out_, "");
  pass(60ms);
  EXPECT_EQ(out_, "head abc. ") << "one piece is as good as three";
}

TEST_F(LaneTest, TrailersComeLast) {
  waitInHead(add());
  Scripted& second = add();
  second.trailers = [this](Fields&, Stream&) { return Verdict::wait(sleepThenPass()); };
  head();
  body("a");
  trailers();
  pass(60ms);
  EXPECT_EQ(out_.find("trailers"), std::string::npos);
  pass(60ms);
  EXPECT_TRUE(out_.starts_with("head a ")) << out_;
  EXPECT_TRUE(out_.ends_with("trailers. ")) << out_;
}

TEST_F(LaneTest, HoldingMuchPausesTheSource) {
  waitInHead(add());
  head();
  body(std::string(70'000, 'x'));
  EXPECT_EQ(out_, "[pause] ");
  pass(60ms);
  EXPECT_EQ(out_, "[pause] head 70000 [go] ");
  body("y", true);
  EXPECT_EQ(out_, "[pause] head 70000 [go] y. ");
}

TEST_F(LaneTest, AFilterThatWantsTheWholeAfterALongWaitStillGetsIt) {
  waitInHead(add());
  Scripted& second = add(BodyNeed::whole(1'000'000));
  size_t seen = 0;
  second.head = [&](RequestHead&, Stream& stream) {
    seen = stream.requestBody().size();
    return Verdict::pass();
  };
  head();
  body(std::string(70'000, 'x'));
  pass(60ms);
  EXPECT_EQ(out_, "[pause] [go] ") << "or the rest would never come";
  body("end", true);
  EXPECT_EQ(seen, 70'003u);
  EXPECT_EQ(out_, "[pause] [go] head 70003. ");
}

TEST_F(LaneTest, BodyHooksSeeEachByteOnceAndInOrder) {
  Scripted& first = add();
  std::string seen;
  first.head = [this](RequestHead&, Stream&) { return Verdict::wait(sleepThenPass()); };
  first.body = [&](Chunk& chunk, Stream&) {
    seen.append(chunk.data).append(chunk.end ? "." : "");
    return Verdict::pass();
  };
  needs_[0] = BodyNeed::stream();
  waitInHead(add());
  Scripted& third = add(BodyNeed::whole(100));
  std::string whole;
  third.head = [&](RequestHead&, Stream& stream) {
    whole = stream.requestBody();
    return Verdict::pass();
  };
  head();
  body("a");
  pass(60ms);
  body("b");
  pass(60ms);
  body("c");
  body("d", true);
  EXPECT_EQ(seen, "abcd.");
  EXPECT_EQ(whole, "abcd");
  EXPECT_EQ(out_, "head abcd. ");
}

TEST_F(LaneTest, ABodyHookWaitsWhileALaterFilterWantsTheWhole) {
  Scripted& first = add(BodyNeed::stream());
  int calls = 0;
  first.body = [&](Chunk&, Stream&) {
    ++calls;
    return Verdict::wait(sleepThenPass());
  };
  Scripted& second = add(BodyNeed::whole(100));
  std::string whole;
  second.head = [&](RequestHead&, Stream& stream) {
    whole = stream.requestBody();
    return Verdict::pass();
  };
  head();
  body("a");
  body("b");
  body("c", true);
  EXPECT_EQ(calls, 1);
  pass(60ms);
  EXPECT_EQ(calls, 2) << "what came meanwhile is the second piece";
  EXPECT_EQ(out_, "") << "no body before its head";
  pass(60ms);
  EXPECT_EQ(whole, "abc");
  EXPECT_EQ(out_, "head abc. ");
}

TEST_F(LaneTest, AWaitingBodyHookMayChangeItsPiece) {
  Scripted& first = add(BodyNeed::stream());
  first.body = [this](Chunk& chunk, Stream& stream) {
    const auto change = [](Chunk& piece, Stream& s) -> Task<Verdict> {
      co_await s.sleep(50ms);
      piece.data = s.arena().concat("<", piece.data, ">");
      co_return Verdict::pass();
    };
    return Verdict::wait(change(chunk, stream));
  };
  head();
  body("a");
  body("b", true);
  pass(60ms);
  pass(60ms);
  EXPECT_EQ(out_, "head <a> <b>. ");
}

TEST_F(LaneTest, StreamingFiltersBetweenTwoThatWantTheWhole) {
  Scripted& first = add(BodyNeed::whole(100));
  std::string seen;
  first.head = [&](RequestHead&, Stream& stream) {
    seen += "1:" + std::string(stream.requestBody()) + " ";
    return Verdict::pass();
  };
  add(BodyNeed::stream()).body = [&](Chunk& chunk, Stream& stream) {
    chunk.data = stream.arena().concat(chunk.data, "+");
    seen += "2 ";
    return Verdict::pass();
  };
  add(BodyNeed::whole(100)).head = [&](RequestHead&, Stream& stream) {
    seen += "3:" + std::string(stream.requestBody());
    return Verdict::pass();
  };
  head();
  body("a");
  body("b", true);
  EXPECT_EQ(seen, "1:ab 2 3:ab+");
  EXPECT_EQ(out_, "head ab+. ");
  EXPECT_EQ(length(), "3");
}

TEST_F(LaneTest, AWholeBodyHasALength) {
  add(BodyNeed::whole(100));
  head();
  body("abc");
  body("", true);
  EXPECT_EQ(length(), "3");
  EXPECT_EQ(out_, "head abc. ");
}

TEST_F(LaneTest, AWholeEmptyBodyHasALengthToo) {
  add(BodyNeed::whole(100));
  head();
  body("", true);
  EXPECT_EQ(length(), "0");
}

TEST_F(LaneTest, WithoutABodyThereIsNoLength) {
  add(BodyNeed::whole(100));
  head(true);
  EXPECT_EQ(length(), "none");
  EXPECT_EQ(out_, "head. ");
}

TEST_F(LaneTest, AWholeBodyWithTrailersStaysChunked) {
  add(BodyNeed::whole(100));
  head();
  body("abc");
  trailers();
  EXPECT_EQ(length(), "none");
  EXPECT_EQ(out_, "head abc trailers. ");
}

TEST_F(LaneTest, ALaterFilterThatRemovesTheLengthIsObeyed) {
  add(BodyNeed::whole(100));
  add().head = [](RequestHead& head, Stream&) {
    head.fields.remove(HeaderId::ContentLength);
    return Verdict::pass();
  };
  head();
  body("abc", true);
  EXPECT_EQ(length(), "none");
}

TEST_F(LaneTest, TooLargeIsToldOnceAndNothingComesOut) {
  add(BodyNeed::whole(4));
  head();
  body("abcd");
  EXPECT_EQ(out_, "");
  body("e");
  body("f", true);
  EXPECT_EQ(out_, "too large");
}

TEST_F(LaneTest, APrefixIsEnough) {
  Scripted& first = add(BodyNeed::prefix(4));
  std::string seen;
  first.head = [&](RequestHead&, Stream& stream) {
    seen = stream.requestBody();
    return Verdict::wait(sleepThenPass());
  };
  head();
  body("ab");
  EXPECT_EQ(seen, "");
  body("cde");
  EXPECT_EQ(seen, "abcde");
  body("fg", true);
  pass(60ms);
  EXPECT_EQ(out_, "head abcde fg. ");
  EXPECT_EQ(length(), "none");
}

TEST_F(LaneTest, ARepliedHeadEndsTheMessage) {
  add().head = [this](RequestHead&, Stream&) { return Verdict::wait(sleepThenReply(403)); };
  head();
  body("a", true);
  pass(60ms);
  EXPECT_EQ(out_, "reply 403");
}

TEST_F(LaneTest, ABodyHookMayReply) {
  add(BodyNeed::stream()).body = [](Chunk& chunk, Stream&) {
    return chunk.data == "bad" ? Verdict::reply(400, "", "test") : Verdict::pass();
  };
  head();
  body("good");
  body("bad");
  body("more", true);
  EXPECT_EQ(out_, "head good reply 400");
}

TEST_F(LaneTest, ATaskMayEndInAnotherWait) {
  add().head = [this](RequestHead&, Stream&) {
    return Verdict::wait(sleepThen(Verdict::wait(sleepThenPass())));
  };
  head(true);
  pass(60ms);
  EXPECT_EQ(out_, "");
  pass(60ms);
  EXPECT_EQ(out_, "head. ");
}

TEST_F(LaneTest, CancelDestroysTheTask) {
  auto alive = std::make_shared<int>(0);
  add().head = [&](RequestHead&, Stream& stream) {
    const auto hold = [](std::shared_ptr<int>, Stream& s) -> Task<Verdict> {
      co_await s.sleep(50ms);
      co_return Verdict::pass();
    };
    return Verdict::wait(hold(alive, stream));
  };
  head(true);
  EXPECT_EQ(alive.use_count(), 2);
  {
    net::Loop::Turn turn(loop_);
    lane_->cancel();
  }
  EXPECT_EQ(alive.use_count(), 1);
  pass(60ms);
  EXPECT_EQ(out_, "");
}

TEST_F(LaneTest, CancelInTheTurnInWhichTheTaskEnded) {
  waitInHead(add());
  head(true);
  clock_.at += 60ms;
  {
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
    lane_->cancel();
  }
  EXPECT_EQ(out_, "");
}

}  // namespace
}  // namespace weir::stream
