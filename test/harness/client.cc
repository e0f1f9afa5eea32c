#include "test/harness/client.h"

#include <gtest/gtest.h>

#include "source/codec/http1/body_decoder.h"
#include "source/codec/http1/parse_head.h"

namespace weir::test {
namespace {

FieldList listOf(const Fields& fields) {
  FieldList list;
  for (const Field& field : fields) list.emplace_back(field.name(), field.value());
  return list;
}

}  // namespace

std::string Response::field(std::string_view lower_name) const {
  std::string joined;
  for (const auto& [name, value] : fields) {
    if (name == lower_name) joined += (joined.empty() ? "" : ",") + value;
  }
  return joined;
}

bool Response::has(std::string_view lower_name) const {
  for (const auto& [name, value] : fields) {
    if (name == lower_name) return true;
  }
  return false;
}

std::string Response::text() const {
  std::string all =
      std::to_string(status) + (complete ? " complete" : "") + (aborted ? " aborted" : "") + "\n";
  for (const auto& [name, value] : fields) {
    if (name != "date") all += name + ": " + value + "\n";
  }
  all += "\n" + body + "\n";
  for (const auto& [name, value] : trailers) all += name + ": " + value + "\n";
  return all + details;
}

Client::Client(stream::Services& services, std::shared_ptr<const stream::HcmPlan> plan,
               uint64_t& progress)
    : services_(services),
      progress_(progress),
      exchange_(new stream::Exchange(services, std::move(plan), *this, *this)) {}

Client::~Client() { EXPECT_EQ(exchange_, nullptr) << "the exchange was never finished"; }

void Client::send(std::string_view bytes, const std::vector<size_t>& cuts) {
  const size_t head_size = bytes.find("\r\n\r\n") + 4;
  Arena& arena = exchange_->arena();
  auto* copy = const_cast<char*>(arena.copy(bytes.substr(0, head_size)).data());
  codec::Framing framing;
  RequestHead& head = exchange_->request();
  net::Loop::Turn turn(services_.loop);
  started_ = true;
  if (const auto error = codec::parseRequestHead(copy, head_size, {}, head, framing)) {
    return exchange_->onRequestError(error);
  }
  if (head.scheme.empty()) head.scheme = "http";
  head.upgrade = framing.upgrade;
  const bool has_body =
      framing.body != codec::BodyKind::None && framing.body != codec::BodyKind::Tunnel;
  std::string body;
  if (has_body) {
    using Step = codec::BodyDecoder::Step;
    codec::BodyDecoder decoder;
    decoder.begin(framing, codec::MessageType::Request);
    auto* trailers = arena.make<Fields>(arena);
    std::string_view rest = bytes.substr(head_size);
    for (Step step = decoder.step(rest, trailers); step.kind != Step::End;
         step = decoder.step(rest, trailers)) {
      ASSERT_TRUE(step.kind == Step::Data || step.kind == Step::Trailers)
          << "the test's request is not whole";
      body += step.data;
      rest.remove_prefix(step.consumed);
    }
    if (!trailers->empty()) trailers_ = trailers;
    cutBody(body, cuts, framing.body == codec::BodyKind::Length);
  }
  exchange_->start(!has_body);
}

// As a codec does: a body of known length ends with its last bytes, a chunked one after them.
void Client::cutBody(std::string_view body, const std::vector<size_t>& cuts, bool ends) {
  size_t from = 0;
  for (const size_t cut : cuts) {
    if (cut <= from || cut >= body.size()) continue;
    pieces_.push_back({std::string(body.substr(from, cut - from)), false});
    from = cut;
  }
  if (from < body.size()) pieces_.push_back({std::string(body.substr(from)), ends});
  if (!ends && trailers_ == nullptr) pieces_.push_back({{}, true});
}

bool Client::sendMore() {
  if (exchange_ == nullptr || paused_) return false;
  net::Loop::Turn turn(services_.loop);
  if (pieces_.empty()) {
    if (trailers_ == nullptr) return false;
    exchange_->onRequestTrailers(*std::exchange(trailers_, nullptr));
    return true;
  }
  const Piece piece = std::move(pieces_.front());
  pieces_.pop_front();
  exchange_->onRequestBody(piece.data, piece.end);
  services_.loop.flushTurn();  // the piece dies before the turn does
  return true;
}

void Client::vanish() {
  if (finished()) return;
  net::Loop::Turn turn(services_.loop);
  constexpr auto kFlag = ResponseFlag::DownstreamConnectionTermination;
  constexpr std::string_view kDetails = "downstream_remote_disconnect";
  if (tunnel_ != nullptr) return tunnel_->onDownstreamGone(kFlag, kDetails);
  if (exchange_ != nullptr) exchange_->onDownstreamGone(kFlag, kDetails);
}

void Client::setSlow(bool slow) {
  net::Loop::Turn turn(services_.loop);
  slow_ = slow;
  if (!slow && exchange_ != nullptr) exchange_->onDownstreamWritable();
}

bool Client::open(const char* call) {
  ++progress_;
  const bool is_open = !finished() && !response_.complete && !response_.aborted;
  EXPECT_TRUE(is_open) << call << " after the end of the response";
  return is_open;
}

void Client::sendInterim(const ResponseHead& head) {
  if (!open("sendInterim")) return;
  EXPECT_FALSE(head_sent_) << "an interim response after the final one";
  response_.interim.push_back(head.status);
}

void Client::sendHead(ResponseHead& head, bool end) {
  if (!open("sendHead")) return;
  EXPECT_FALSE(head_sent_) << "a second head";
  head_sent_ = true;
  response_.status = head.status;
  response_.fields = listOf(head.fields);
  response_.complete = end;
}

void Client::sendBody(std::string_view data, bool end) {
  if (!open("sendBody")) return;
  EXPECT_TRUE(head_sent_) << "a body before its head";
  response_.body.append(data);
  response_.complete = end;
}

void Client::sendTrailers(const Fields& trailers) {
  if (!open("sendTrailers")) return;
  EXPECT_TRUE(head_sent_) << "trailers before their head";
  response_.trailers = listOf(trailers);
  response_.complete = true;
}

void Client::abort(codec::Abort) {
  if (open("abort")) response_.aborted = true;
}

void Client::pauseRequest() {
  ++progress_;
  EXPECT_FALSE(paused_) << "paused twice";
  paused_ = true;
}

void Client::resumeRequest() {
  ++progress_;
  EXPECT_TRUE(paused_) << "resumed without a pause";
  paused_ = false;
}

void Client::onTunnelOpened(stream::Tunnel& tunnel) {
  ++progress_;
  exchange_ = nullptr;
  tunnel_ = &tunnel;
}

void Client::onTunnelFinished(stream::Tunnel& tunnel) {
  ++progress_;
  EXPECT_EQ(&tunnel, tunnel_) << "finished twice";
  services_.loop.destroyLater(std::exchange(tunnel_, nullptr));
}

void Client::onExchangeFinished(stream::Exchange& exchange) {
  ++progress_;
  EXPECT_EQ(&exchange, exchange_) << "finished twice";
  const StreamInfo& info = static_cast<const Stream&>(exchange).info();
  response_.details = info.details;
  response_.flags = info.flags;
  response_.logged_status = info.response_code;
  services_.loop.destroyLater(exchange_);
  exchange_ = nullptr;
}

}  // namespace weir::test
