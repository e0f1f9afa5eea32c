// Http1Server: the first bytes of a connection that may be HTTP/2's, and what begins an exchange.
#include <utility>

#include "source/stream/codec_choice.h"
#include "source/stream/http1_server.h"
#include "source/stream/http2_server.h"

namespace weir::stream {

// False: there is nothing to be read yet, or somebody else reads it.
bool Http1Server::stays(std::string_view first) {
  switch (chooseCodec(plan_->codec, connection_->alpn(), first)) {
    case CodecChoice::Http1:
      known_ = true;
      plan_->stats.cx_http1_total.add();
      plan_->stats.cx_http1_active.add();
      return true;
    case CodecChoice::Http2:
      makeWay();
      return false;
    case CodecChoice::MoreBytes:
      break;
  }
  notePartial();
  return false;
}

void Http1Server::notePartial() {
  if (std::exchange(head_partial_, true)) return;
  since_ = services_.loop.now();
  armTimer();
}

// Nothing was consumed: the next one is offered the same bytes.
void Http1Server::makeWay() {
  state_ = State::Closed;
  timer_.disarm();
  auto* next = new Http2Server(services_, hcm_, connections_, std::move(connection_),
                               {id_, accepted_, std::move(peers_), facts_});
  connections_.onServerReplaced(*this, *next);
  services_.loop.destroyLater(this);
}

void Http1Server::makeExchange() {
  plan_->stats.rq_http1_total.add();
  exchange_ = new Exchange(services_, hcm_->plan(), *this, *this);
}

}  // namespace weir::stream
