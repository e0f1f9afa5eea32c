#include "test/harness/origin.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>

#include "source/codec/http1/body_decoder.h"
#include "source/codec/http1/head_scanner.h"
#include "source/codec/http1/parse_head.h"
#include "source/net/address.h"

namespace weir::test {
namespace {

FieldList listOf(const Fields& fields) {
  FieldList list;
  for (const Field& field : fields) list.emplace_back(field.name(), field.value());
  return list;
}

std::string linesOf(const FieldList& fields) {
  std::string text;
  for (const auto& [name, value] : fields) text += name + ": " + value + "\n";
  return text;
}

std::string wireOf(const Reply& reply) {
  const bool chunked = reply.chunked || !reply.trailers.empty();
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " scripted\r\n";
  for (const auto& [name, value] : reply.fields) text += name + ": " + value + "\r\n";
  const bool no_body = reply.status == 204 || reply.status == 304;
  if (chunked) text += "transfer-encoding: chunked\r\n";
  if (!chunked && !no_body) text += "content-length: " + std::to_string(reply.body.size()) + "\r\n";
  text += "\r\n";
  const std::string body = reply.fate == Reply::Fate::CutShort
                               ? reply.body.substr(0, reply.body.size() / 2)
                               : reply.body;
  if (!chunked) return text + body;
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  if (!body.empty()) text += size + body + "\r\n";
  if (reply.fate == Reply::Fate::CutShort) return text;
  text += "0\r\n";
  for (const auto& [name, value] : reply.trailers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

std::string freshAddress() {
  static int count = 0;
  return "@weir-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

std::string Seen::field(std::string_view lower_name) const {
  std::string joined;
  for (const auto& [name, value] : fields) {
    if (name == lower_name) joined += (joined.empty() ? "" : ",") + value;
  }
  return joined;
}

std::string Seen::text() const { return head + "\n" + body + linesOf(trailers); }

// One accepted connection.
class Origin::Link final : net::TimerUser {
 public:
  Link(Origin& origin, int fd) : origin_(origin), timer_(*this) {
    buffers_ = bufferevent_socket_new(origin.loop_.base(), fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(buffers_, onReadable, nullptr, onEvent, this);
    bufferevent_enable(buffers_, EV_READ | EV_WRITE);
  }
  ~Link() { bufferevent_free(buffers_); }

 private:
  static void onReadable(bufferevent*, void* self) {
    auto& link = *static_cast<Link*>(self);
    net::Loop::Turn turn(link.origin_.loop_);
    ++link.origin_.progress_;
    link.read();
  }
  static void onEvent(bufferevent*, short, void* self) {
    auto& link = *static_cast<Link*>(self);
    net::Loop::Turn turn(link.origin_.loop_);
    ++link.origin_.progress_;
    link.close();
  }

  void read() {
    evbuffer* input = bufferevent_get_input(buffers_);
    const size_t size = evbuffer_get_length(input);
    bytes_.append(reinterpret_cast<char*>(evbuffer_pullup(input, -1)), size);
    evbuffer_drain(input, size);
    if (!in_body_ && !readHead()) return;
    readBody();
  }

  bool readHead() {
    codec::HeadScanner scanner(codec::MessageType::Request, 1 << 20);
    const codec::HeadScanner::Scan scan = scanner.scan(bytes_);
    if (scan.size == 0 && !scan.error) return false;
    Arena arena(chunks_);
    RequestHead head(arena);
    codec::Limits limits;
    limits.max_fields = 1000;
    auto* copy =
        const_cast<char*>(arena.copy(std::string_view(bytes_).substr(scan.skip, scan.size)).data());
    framing_ = {};
    if (scan.error || codec::parseRequestHead(copy, scan.size, limits, head, framing_)) {
      ADD_FAILURE() << "the origin got bytes that are no request: " << bytes_;
      return false;
    }
    bytes_.erase(0, scan.skip + scan.size);
    seen_ = {};
    seen_.fields = listOf(head.fields);
    seen_.fields.emplace(seen_.fields.begin(), "host", head.authority);
    seen_.head =
        std::string(head.method_name) + " " + std::string(head.path) + "\n" + linesOf(seen_.fields);
    body_.begin(framing_, codec::MessageType::Request);
    in_body_ = true;
    return true;
  }

  void readBody() {
    using Step = codec::BodyDecoder::Step;
    Arena arena(chunks_);
    Fields trailers(arena);
    while (framing_.body != codec::BodyKind::None) {
      const Step step = body_.step(bytes_, &trailers);
      seen_.body.append(step.data);
      bytes_.erase(0, step.consumed);
      if (step.kind == Step::NeedMore) return;
      if (step.kind == Step::Error)
        ADD_FAILURE() << "the origin got a broken body: " << step.error.reason;
      if (step.kind == Step::End || step.kind == Step::Error) break;
    }
    seen_.trailers = listOf(trailers);
    in_body_ = false;
    origin_.seen_.push_back(seen_);
    reply_ = origin_.script_(seen_);
    if (reply_.delay.count() == 0) return respond();
    timer_.arm(origin_.loop_.timers(), origin_.loop_.now() + reply_.delay);
  }

  void onTimer() override { respond(); }

  void respond() {
    ++origin_.progress_;
    if (reply_.fate == Reply::Fate::Never) return;
    if (reply_.fate == Reply::Fate::HangUp) return close();
    const std::string wire = wireOf(reply_);
    bufferevent_write(buffers_, wire.data(), wire.size());
    if (reply_.fate == Reply::Fate::CutShort) {
      bufferevent_flush(buffers_, EV_WRITE, BEV_FLUSH);
      closing_ = true;
      bufferevent_setcb(buffers_, onReadable, onWritten, onEvent, this);
    }
  }
  static void onWritten(bufferevent*, void* self) {
    auto& link = *static_cast<Link*>(self);
    net::Loop::Turn turn(link.origin_.loop_);
    if (link.closing_) link.close();
  }

  void close() {
    origin_.links_.remove_if([this](const auto& link) { return link.get() == this; });
  }

  Origin& origin_;
  bufferevent* buffers_;
  net::Timer timer_;
  ChunkPool chunks_;
  std::string bytes_;
  codec::Framing framing_;
  codec::BodyDecoder body_;
  bool in_body_ = false;
  bool closing_ = false;
  Seen seen_;
  Reply reply_;
};

Origin::Origin(net::Loop& loop, uint64_t& progress)
    : loop_(loop), progress_(progress), address_(freshAddress()) {
  std::signal(SIGPIPE, SIG_IGN);  // libevent writes to connections whose peer has left
  const net::Address address = *net::Address::unixPath(address_);
  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (net::bindTo(socket_.get(), address) != 0 || ::listen(socket_.get(), 64) != 0) {
    ADD_FAILURE() << "cannot listen on " << address_;
  }
  event_assign(&event_, loop.base(), socket_.get(), EV_READ | EV_PERSIST, onAcceptable, this);
  event_add(&event_, nullptr);
}

Origin::~Origin() { event_del(&event_); }

void Origin::onAcceptable(evutil_socket_t, short, void* self) {
  static_cast<Origin*>(self)->accept();
}

void Origin::accept() {
  const int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  ++progress_;
  links_.push_back(std::make_unique<Link>(*this, fd));
}

}  // namespace weir::test
