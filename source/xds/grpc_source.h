// A GrpcSource keeps one stream to a control plane, for one type of resource or for all of them
// (ADS), and opens it again when it ends. What is to be sent leaves at the end of a turn, so that
// an answer and the wishes that followed from it travel together. Main thread.
//
// A response of thousands of resources is applied in parts; whatever else the thread has to do
// comes in between, but for the messages behind it, and what is to be sent.
//
// A response that is refused and comes again unchanged is answered after a growing delay, or the
// two sides would do nothing else.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "source/net/loop.h"
#include "source/rpc/back_off.h"
#include "source/rpc/message_stream.h"
#include "source/xds/request_pace.h"
#include "source/xds/requests.h"
#include "source/xds/source.h"

namespace weir::xds {

class GrpcSource final : public Source,
                         private rpc::MessageStreamUser,
                         private net::TimerUser,
                         private net::TurnEnd {
 public:
  struct Settings {
    bool delta = false;
    std::optional<ResourceType> only;  // nothing: all types on one stream
    envoy::config::core::v3::Node node;
    bool node_once = false;  // else with every request of the state of the world
    RequestPace::Settings pace{};
    rpc::BackOff::Bounds back_off;
    std::function<uint64_t()> random;
    StatScope scope;                              // "control_plane"
    std::function<void(std::string)> identified;  // the control plane's own name for itself
    std::function<void(TypeState&)> keep;         // may have it saved; empty: nothing is
  };

  GrpcSource(net::Loop& loop, Settings settings, rpc::MakeStream make);
  ~GrpcSource() override;

  TypeState& of(ResourceType type) override;

 private:
  static constexpr std::chrono::milliseconds kFirstDelay{100}, kLongestDelay{10'000};
  // Who has said nothing for so long is not waited for where something was saved.
  static constexpr std::chrono::milliseconds kSilence{700};

  // How many resources are applied before others have their turn: 5 to 15 ms of work.
  static constexpr size_t kAtOnce = 250;
  // Responses that wait for that; with more, all are applied at once.
  static constexpr size_t kMostWaiting = 16;

  // One type on the stream.
  struct Lane final : private net::TimerUser {
    Lane(GrpcSource& source, const TypeFacts& facts);
    void onTimer() override { source.answerDelayed(*this); }

    GrpcSource& source;
    TypeState state;
    const std::unique_ptr<Requests> requests;
    net::Timer timer;                    // of an answer that waits
    std::vector<Refusal> why;            // the last response was refused; none: it was not
    std::chrono::milliseconds delay{0};  // before the next answer to the same
    std::optional<Response> delayed;     // waits to be answered
    MessagePtr waiting;                  // for a token, to be sent
  };

  void onWish();
  void open();
  void flush();
  void miss();
  void sendFrom(Lane& lane);
  bool mustWait();
  void take(Lane& lane, Response&& response);
  void goOn(size_t most);
  void goOnLater();
  void settle(Lane& lane, Response&& response, Outcome&& outcome);
  void answerDelayed(Lane& lane);
  void onMessage(std::string_view bytes) override;
  template <typename Message>
  void read(std::string_view bytes);
  void onStreamEnd(std::string_view why) override;
  void onTimer() override { open(); }
  void onTurnEnd() override { flush(); }

  net::Loop& loop_;
  const Settings settings_;
  const rpc::MakeStream make_;
  rpc::BackOff back_off_;
  net::Timer timer_;
  std::unique_ptr<rpc::MessageStream> stream_;
  std::map<ResourceType, std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> order_;  // in which they were asked for first
  // Responses in the order they came; the first is being applied.
  struct Work {
    Lane& lane;
    Response response;
    Applying applying;
  };
  std::deque<Work> work_;
  bool begun_ = false;      // to apply the first, in parts
  bool going_on_ = false;   // with it, further up the stack
  bool node_sent_ = false;  // on this stream
  bool heard_ = false;      // something, on this stream
  bool met_ = false;        // something, on any
  bool missed_ = false;     // nothing in time, and not since
  struct Silence final : net::TimerUser {
    explicit Silence(GrpcSource& source) : source(source) {}
    void onTimer() override { source.miss(); }
    GrpcSource& source;
    net::Timer timer{*this};
  } silence_{*this};
  // Goes on with what had to wait for a token.
  struct Paced final : net::TimerUser {
    explicit Paced(GrpcSource& source) : source(source) {}
    void onTimer() override { source.loop_.atTurnEnd(source); }
    GrpcSource& source;
    net::Timer timer{*this};
  } paced_{*this};
  RequestPace pace_;
  Counter rate_limit_enforced_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Gauge connected_;     // how many streams of all sources are open
  Gauge last_message_;  // when one of them brought a message: ms since 1970
  Counter message_bytes_;
};

}  // namespace weir::xds
