#include "source/stream/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FilterType typeOf(uint8_t hooks, BodyNeed (*request)(const void*) = nullptr) {
  FilterType type{};
  type.hooks = hooks;
  type.request_body = request != nullptr ? request : [](const void*) { return BodyNeed::none(); };
  type.response_body = [](const void*) { return BodyNeed::none(); };
  return type;
}

TEST(Chain, AFilterWithoutAHookIsNotInThatPhase) {
  const FilterType request = typeOf(kOnRequest);
  const FilterType response = typeOf(kOnResponse | kOnResponseTrailers);
  const Chain chain(
      {{&request, nullptr, "a"}, {&response, nullptr, "b"}, {&request, nullptr, "c"}});
  EXPECT_THAT(chain.order(Direction::Request, Phase::Head), ElementsAre(0, 2));
  EXPECT_THAT(chain.order(Direction::Request, Phase::Body), IsEmpty());
  EXPECT_THAT(chain.order(Direction::Response, Phase::Head), ElementsAre(1));
  EXPECT_THAT(chain.order(Direction::Response, Phase::Trailers), ElementsAre(1));
  EXPECT_FALSE(chain.wantsDone());
}

TEST(Chain, ResponsesRunUp) {
  const FilterType type = typeOf(kOnResponse | kOnDone);
  const Chain chain({{&type, nullptr, "first"}, {&type, nullptr, "last"}});
  EXPECT_EQ(chain.slot(chain.slotAt(Direction::Response, 0)).name, "last");
  EXPECT_EQ(chain.slot(chain.slotAt(Direction::Request, 0)).name, "first");
  EXPECT_TRUE(chain.wantsDone());
}

TEST(Chain, WhoWantsTheWholeStopsTheHeadAndGetsNoPieces) {
  const FilterType type = typeOf(kOnRequestBody, [](const void*) { return BodyNeed::whole(7); });
  const Chain chain({{&type, nullptr, "a"}});
  EXPECT_THAT(chain.order(Direction::Request, Phase::Head), ElementsAre(0));
  EXPECT_THAT(chain.order(Direction::Request, Phase::Body), IsEmpty());
  EXPECT_EQ(chain.need(Direction::Request, 0).limit, 7u);
}

TEST(Chain, APlanMayWantNoBodyThoughTheFilterHasAHook) {
  const FilterType type = typeOf(kOnRequestBody);
  const Chain chain({{&type, nullptr, "a"}});
  EXPECT_THAT(chain.order(Direction::Request, Phase::Body), IsEmpty());
}

}  // namespace
}  // namespace weir::stream
