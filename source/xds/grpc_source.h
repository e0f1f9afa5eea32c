// A GrpcSource keeps one stream to a control plane, for one type of resource or for all of them
// (ADS), and opens it again when it ends. What is to be sent leaves at the end of a turn, so that
// an answer and the wishes that followed from it travel together. Main thread.
//
// A response that is refused and comes again unchanged is answered after a growing delay, or the
// two sides would do nothing else.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "source/net/loop.h"
#include "source/xds/back_off.h"
#include "source/xds/message_stream.h"
#include "source/xds/requests.h"
#include "source/xds/source.h"

namespace weir::xds {

class GrpcSource final : public Source,
                         private MessageStreamUser,
                         private net::TimerUser,
                         private net::TurnEnd {
 public:
  struct Settings {
    bool delta = false;
    std::optional<ResourceType> only;  // nothing: all types on one stream
    envoy::config::core::v3::Node node;
    bool node_once = false;  // else with every request of the state of the world
    BackOff::Bounds back_off;
    std::function<uint64_t()> random;
    StatScope scope;                              // "control_plane"
    std::function<void(std::string)> identified;  // the control plane's own name for itself
  };

  GrpcSource(net::Loop& loop, Settings settings, MakeStream make);
  ~GrpcSource() override;

  TypeState& of(ResourceType type) override;
  bool connected() const { return heard_; }

 private:
  static constexpr std::chrono::milliseconds kFirstDelay{100}, kLongestDelay{10'000};

  // One type on the stream.
  struct Lane final : private net::TimerUser {
    Lane(GrpcSource& source, const TypeFacts& facts);
    void onTimer() override { source.answerDelayed(*this); }

    GrpcSource& source;
    TypeState state;
    const std::unique_ptr<Requests> requests;
    net::Timer timer;                    // of an answer that waits
    std::string refused;                 // the last response, if it was refused, but its nonce
    std::vector<Refusal> why;            // and why
    std::chrono::milliseconds delay{0};  // before the next answer to the same
    std::optional<Response> delayed;     // waits to be answered
  };

  void onWish();
  void open();
  void flush();
  void sendFrom(Lane& lane);
  void take(Lane& lane, Response&& response, std::string fingerprint);
  void answerDelayed(Lane& lane);
  void onMessage(std::string_view bytes) override;
  template <typename Message>
  void read(std::string_view bytes);
  void onStreamEnd(std::string_view why) override;
  void onTimer() override { open(); }
  void onTurnEnd() override { flush(); }

  net::Loop& loop_;
  const Settings settings_;
  const MakeStream make_;
  BackOff back_off_;
  net::Timer timer_;
  std::unique_ptr<MessageStream> stream_;
  std::map<ResourceType, std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> order_;  // in which they were asked for first
  bool node_sent_ = false;    // on this stream
  bool heard_ = false;        // something, on this stream
  Gauge connected_;           // how many streams of all sources are open
};

}  // namespace weir::xds
