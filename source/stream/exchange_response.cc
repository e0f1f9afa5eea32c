// The way back: from the cluster, or from a reply of our own, through the response lane to the
// client; and the end of the exchange.
#include <cassert>
#include <charconv>

#include "source/codec/hop_by_hop.h"
#include "source/codec/websocket.h"
#include "source/stream/exchange.h"
#include "source/stream/local_reply_body.h"

namespace weir::stream {
namespace {

// Who asked over HTTP/2 knows of no key, so nobody behind us could tell (RFC 6455 §4.1).
bool isConsent(const RequestHead& request, const ResponseHead& head) {
  return request.protocol != Protocol::Http2 || !codec::asksWebSocket(request) ||
         codec::answersWebSocketKey(request, head);
}

}  // namespace

void Exchange::onForwardInterim(ResponseHead& head) {
  // 100 was answered by us when the client asked for it.
  if (head.status == 100 && !plan_->proxy_100_continue) return;
  if (codec::stripHopByHop(head.fields, codec::MessageType::Response)) return;
  if (!head_written_) server_.sendInterim(head);
}

void Exchange::onForwardHead(ResponseHead& head, bool end) {
  last_activity_ = services_.loop.now();
  response_ = &head;
  info_.response = response_;
  info_.response_code = head.status;
  from_upstream_ = true;
  const bool opens = ask_.state == TunnelAsk::Admitted && codec::opensTunnel(*request_, head);
  if ((opens && (!request_complete_ || !isConsent(*request_, head))) ||
      (!opens && head.status == 101))
    return localReply(kUnexpectedUpgrade);
  if (opens) {  // what follows waits until the filters have seen the head
    ask_.state = TunnelAsk::Answered;
    forward_.pauseResponse();
  }
  const auto upgrade = head.status == 101 ? codec::UpgradeField::Keep : codec::UpgradeField::Strip;
  if (const auto error = codec::stripHopByHop(head.fields, codec::MessageType::Response, upgrade)) {
    return localReply({.status = 502,
                       .body = reasonPhrase(502),
                       .details = error.reason,
                       .flag = ResponseFlag::UpstreamProtocolError,
                       .fields = nullptr,
                       .close = false});
  }
  if (!plan_->router.suppress_envoy_headers) {
    char text[24];
    const auto took =
        (info_.first_upstream_rx - info_.first_upstream_tx) / std::chrono::milliseconds(1);
    const auto done = std::to_chars(text, text + sizeof text, took);
    head.fields.set(HeaderId::XEnvoyUpstreamServiceTime,
                    {text, static_cast<size_t>(done.ptr - text)});
  }
  if (virtual_host_->count_attempts_in_response) {
    head.fields.add("x-envoy-attempt-count", std::to_string(info_.attempts));
  }
  route_->prepareResponse(head, info_, arena_, weighted_);
  info_.details = "via_upstream";
  response_lane_.head(head, end || opens);
}

void Exchange::onForwardBody(std::string_view data, bool end) {
  last_activity_ = services_.loop.now();
  if (ask_.state == TunnelAsk::Answered) {
    assert(data.empty());  // paused
    ask_.upstream_ended = end;
    return;
  }
  response_lane_.body(data, end);
}

void Exchange::onForwardTrailers(Fields& trailers) {
  info_.response_trailers = &trailers;  // also of those that a filter makes body of
  response_lane_.trailers(trailers);
}

void Exchange::onForwardFailure(const router::ForwardFailure& failure) {
  info_.flags.set(failure.flag);
  if (head_written_) {
    const bool cancelled = failure.failure.detail == codec::kCancelledByPeer;
    return resetResponse(failure.flag, failure.details,
                         cancelled ? codec::Abort::Cancelled : codec::Abort::Broken);
  }
  Fields* fields = nullptr;
  if (failure.overloaded && !plan_->router.suppress_envoy_headers) {
    fields = arena_.make<Fields>(arena_);
    fields->add("x-envoy-overloaded", "true");
  }
  localReply({.status = failure.status,
              .body = failure.body,
              .details = failure.details,
              .flag = failure.flag,
              .fields = fields,
              .close = false});
}

void Exchange::onLaneReply(Direction, const LocalReply& reply) { localReply(reply); }

void Exchange::onLaneTooLarge(Direction direction) {
  if (direction == Direction::Request) {
    plan_->stats.rq_too_large.add();
    return localReply({.status = 413,
                       .body = "Payload Too Large",
                       .details = "request_payload_too_large",
                       .flag = {},
                       .fields = nullptr,
                       .close = false});
  }
  localReply({.status = 500,
              .body = "Internal Server Error",
              .details = "response_payload_too_large",
              .flag = {},
              .fields = nullptr,
              .close = false});
}

// Ends the exchange with a response of Weir's own. It passes the filters' response hooks, unless it
// takes the place of a response that was already on its way through them.
void Exchange::localReply(const LocalReply& reply) {
  if (finished_ || response_written_) return;
  if (reply.flag) info_.flags.set(*reply.flag);
  if (head_written_) {
    return resetResponse(reply.flag.value_or(ResponseFlag::LocalReset), reply.details,
                         codec::Abort::Broken);
  }
  const bool through_chain = chain_ != nullptr && response_ == nullptr;
  if (ask_.state == TunnelAsk::Answered) ask_.state = TunnelAsk::Admitted;
  request_lane_.cancel();
  if (!through_chain) response_lane_.cancel();
  forward_.cancel({Side::Weir, FailureKind::Cancelled, Retry::Never, "answered by Weir"});
  const bool routed = forwarded_ && !from_upstream_;
  forwarded_ = from_upstream_ = false;
  info_.details = reply.details;
  response_ = arena_.make<ResponseHead>(arena_);
  info_.response = response_;
  info_.response_code = response_->status = reply.status;
  info_.response = response_;
  info_.response_code = reply.status;
  if (routed) {
    if (virtual_host_->count_attempts_in_response) {
      response_->fields.add("x-envoy-attempt-count", std::to_string(info_.attempts));
    }
    route_->prepareResponse(*response_, info_, arena_, weighted_);
  }
  if (reply.fields != nullptr) {
    for (const Field& field : *reply.fields) response_->fields.append(field);
  }
  if (reply.close) server_.closeAfterResponse();
  sendReplyBody(reply, through_chain);
}

void Exchange::sendReplyBody(const LocalReply& reply, bool through_chain) {
  const ReplyBody body = makeReplyBody(reply, *request_, info_.request_id, arena_);
  response_->status = body.status;
  for (const ReplyBody::Field& field : body.fields())
    response_->fields.setView(*field.header, field.value);
  const bool end = body.text.empty() || request_->method == Method::Head;
  if (!through_chain) {
    writeHead(end);
    if (!end && !finished_) writeBody(body.text, true);
    return;
  }
  response_lane_.head(*response_, end);
  if (!end && !finished_) response_lane_.body(body.text, true);
}

void Exchange::onRequestError(const codec::ParseError& error) {
  plan_->stats.cx_protocol_error.add();
  info_.protocol = request_->protocol;
  request_complete_ = true;
  localReply({.status = error.status,
              .body = reasonPhrase(error.status),
              .details = error.reason,
              .flag = ResponseFlag::DownstreamProtocolError,
              .fields = nullptr,
              .close = true});
}

void Exchange::writeHead(bool end) {
  head_written_ = true;
  info_.response = response_;
  info_.response_code = response_->status;
  info_.first_downstream_tx = services_.loop.now();
  plan_->forwarding.applyResponse(*response_,
                                  {.date = services_.date.at(info_.start_wall),
                                   .request_id = info_.request_id,
                                   .forces_trace = forces_trace_},
                                  arena_);
  if (ask_.state == TunnelAsk::Answered) return openTunnel();
  response_written_ = end;
  server_.sendHead(*response_, end);
  if (end) finish();
}

void Exchange::writeBody(std::string_view data, bool end) {
  if (finished_) return;
  info_.bytes_sent += data.size();
  response_written_ = end;
  server_.sendBody(data, end);
  if (end) return finish();
  if (server_.congested()) forward_.pauseResponse();
}

void Exchange::onDownstreamWritable() {
  last_activity_ = services_.loop.now();
  forward_.resumeResponse();
}

// A response that cannot be finished: the client must see that it is not whole.
void Exchange::resetResponse(ResponseFlag flag, std::string_view details, codec::Abort why) {
  info_.flags.set(flag);
  info_.details = details;
  plan_->stats.rq_tx_reset.add();
  server_.abort(why);
  finish();
}

void Exchange::onDownstreamGone(ResponseFlag flag, std::string_view details) {
  if (finished_) return;
  info_.protocol = request_->protocol;  // also of one that was never whole
  plan_->stats.rq_rx_reset.add();
  info_.flags.set(flag);
  info_.details = details;
  if (!head_written_) info_.response_code = 0;
  finish();
}

void Exchange::finish() {
  if (finished_) return;
  finished_ = true;
  request_lane_.cancel();
  response_lane_.cancel();
  forward_.cancel({Side::Downstream, FailureKind::Cancelled, Retry::Never, "client gone"});
  timer_.disarm();
  if (!request_complete_ && response_written_) plan_->stats.response_before_rq_complete.add();
  if (ask_.state >= TunnelAsk::Admitted) plan_->stats.cx_upgrades_active.sub();
  plan_->stats.rq_active.sub();
  info_.end = info_.last_downstream_tx = services_.loop.now();
  tellFilters();
  countEnd();
  if (!plan_->access_logs.empty()) plan_->access_logs.log(info_);
  owner_.onExchangeFinished(*this);
}

void Exchange::tellFilters() {
  if (chain_ == nullptr || !chain_->wantsDone()) return;
  for (size_t i = 0; i < chain_->size(); ++i) filters_[i]->onDone(info_, *this);
}

// Of a tunnel: what it took to open it.
void Exchange::countEnd() {
  plan_->stats.countStatus(info_.response_code);
  plan_->stats.rq_time.record(
      static_cast<uint64_t>((info_.end - info_.start) / std::chrono::microseconds(1)));
  record_.finish(info_);
  services_.decisions.push(record_);
}

}  // namespace weir::stream
