// A Client is one request of a scripted downstream and the response it got: it stands where an
// HTTP/1 connection would, between the test and one stream::Exchange, and fails the test when the
// exchange breaks the order of codec::ServerStream or says anything after its end. Owned by the
// test; outlives the exchange.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "source/codec/stream.h"
#include "source/stream/exchange.h"
#include "test/harness/origin.h"

namespace weir::test {

struct Response {
  uint16_t status = 0;  // 0: none yet
  FieldList fields{};
  FieldList trailers{};
  std::string body{};
  std::vector<uint16_t> interim{};
  bool complete = false;
  bool aborted = false;  // cut in the middle
  bool closes = false;   // the connection ends with it
  std::string details{};
  ResponseFlags flags{};
  uint16_t logged_status = 0;

  std::string field(std::string_view lower_name) const;  // several are joined by ","
  bool has(std::string_view lower_name) const;
  std::string text() const;  // all of it but the date, to compare
};

class Client final : public codec::ServerStream, public stream::ExchangeOwner {
 public:
  Client(stream::Services& services, std::shared_ptr<const stream::HcmPlan> plan,
         uint64_t& progress);
  ~Client();

  // HTTP/1.1 bytes of one whole request; the body arrives cut at each of `cuts`, counted in body
  // bytes, a turn each.
  void send(std::string_view bytes, const std::vector<size_t>& cuts);
  // Lets the next piece of the body arrive. False: there is none, or the exchange holds it back.
  bool sendMore();
  void vanish();
  // While slow, what is written is not taken.
  void setSlow(bool slow);

  bool finished() const { return exchange_ == nullptr && tunnel_ == nullptr && started_; }
  bool paused() const { return paused_; }
  const Response& response() const { return response_; }

 private:
  struct Piece {
    std::string data;
    bool end = false;
  };

  // codec::ServerStream
  void sendInterim(const ResponseHead& head) override;
  void sendHead(ResponseHead& head, bool end) override;
  void sendBody(std::string_view data, bool end) override;
  void sendTrailers(const Fields& trailers) override;
  void abort(codec::Abort) override;
  void pauseRequest() override;
  void resumeRequest() override;
  bool congested() const override { return slow_; }
  void closeAfterResponse() override { response_.closes = true; }

  // stream::ExchangeOwner
  void onExchangeFinished(stream::Exchange& exchange) override;
  void onTunnelOpened(stream::Tunnel& tunnel) override;
  void onTunnelFinished(stream::Tunnel& tunnel) override;
  stream::Downstream downstream() const override {
    return {.remote = {"192.0.2.1:1234", "192.0.2.1", 1234, false},
            .local = {"192.0.2.2:80", "192.0.2.2", 80, false},
            .connection_id = 1};
  }

  bool open(const char* call);
  void cutBody(std::string_view body, const std::vector<size_t>& cuts, bool ends);

  stream::Services& services_;
  uint64_t& progress_;
  stream::Exchange* exchange_;
  stream::Tunnel* tunnel_ = nullptr;
  Response response_;
  std::deque<Piece> pieces_;
  Fields* trailers_ = nullptr;  // in the exchange's arena
  bool started_ = false;
  bool paused_ = false;
  bool slow_ = false;
  bool head_sent_ = false;
};

}  // namespace weir::test
