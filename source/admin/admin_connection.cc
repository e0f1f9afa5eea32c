#include "source/admin/admin_connection.h"

#include <utility>

#include "source/codec/http1/parse_head.h"

namespace weir::admin {
namespace {

using codec::BodyKind;
using codec::ConnectionOption;

// How long the end of a connection waits for the client's FIN (RFC 9112 §9.6).
constexpr std::chrono::milliseconds kLinger{1000};

bool isForm(const RequestHead& head) {
  const auto type = head.fields.get(HeaderId::ContentType);
  return type && type->starts_with("application/x-www-form-urlencoded");
}

}  // namespace

AdminConnection::AdminConnection(net::Loop& loop, AdminHost& host,
                                 std::chrono::milliseconds idle_timeout)
    : loop_(loop),
      host_(host),
      connection_(loop, *this),
      timer_(*this),
      scanner_(codec::MessageType::Request, codec::Limits().max_head_bytes),
      arena_(host.chunks()),
      idle_timeout_(idle_timeout),
      since_(loop.now()) {}

AdminConnection::~AdminConnection() = default;

void AdminConnection::accept(net::Fd fd) {
  connection_.accept(std::move(fd));
  armTimer(idle_timeout_);
}

size_t AdminConnection::onInput(char* data, size_t size) {
  size_t taken = 0;
  while (taken < size && !connection_.readPaused()) {
    size_t n = size - taken;
    switch (state_) {
      case State::Head:
        n = readHead(data + taken, n);
        break;
      case State::Body:
        n = readBody({data + taken, n});
        break;
      case State::Answering:
        return taken;
      case State::Lingering:
        break;  // nobody reads it any more
      case State::Closed:
        return size;
    }
    if (n == 0) break;
    taken += n;
  }
  return taken;
}

size_t AdminConnection::readHead(char* data, size_t size) {
  const auto scan = scanner_.scan({data, size});
  if (!scan.error && scan.size == 0) return 0;
  scanner_.reset();
  head_.reset();
  arena_.reset();
  head_.emplace(arena_);
  framing_ = {};
  last_ = false;
  codec::ParseError error = scan.error;
  if (!error) {
    auto* copy = const_cast<char*>(arena_.copy({data + scan.skip, scan.size}).data());
    error = codec::parseRequestHead(copy, scan.size, codec::Limits(), *head_, framing_);
  }
  if (error) {
    refuse(error.status, error.reason);
    return size;
  }
  const size_t taken = scan.skip + scan.size;
  beginRequest();
  return taken;
}

void AdminConnection::beginRequest() {
  last_ = !framing_.keep_alive || framing_.body == BodyKind::Tunnel;
  body_.clear();
  if (framing_.body == BodyKind::None || framing_.body == BodyKind::Tunnel) return handle();
  if (framing_.body == BodyKind::Length && framing_.length > kMaxBody) {
    return refuse(413, "request_payload_too_large");
  }
  decoder_.begin(framing_, codec::MessageType::Request);
  state_ = State::Body;
  if (framing_.expect_continue) connection_.write("HTTP/1.1 100 Continue\r\n\r\n");
}

size_t AdminConnection::readBody(std::string_view data) {
  using Step = codec::BodyDecoder::Step;
  const Step step = decoder_.step(data);
  if (step.kind == Step::Error) {
    refuse(step.error.status, step.error.reason);
    return data.size();
  }
  if (body_.size() + step.data.size() > kMaxBody) {
    refuse(413, "request_payload_too_large");
    return data.size();
  }
  body_ += step.data;
  // A body of known length ends with its last byte; there is no later call to say so.
  const bool whole = framing_.body == BodyKind::Length && body_.size() == framing_.length;
  if (step.kind == Step::End || step.kind == Step::Trailers || whole) handle();
  return step.consumed;
}

void AdminConnection::handle() {
  Request request = Request::from(head_->method_name, head_->path);
  if (isForm(*head_)) {
    request.addForm(body_);
  } else {
    request.body = std::move(body_);
  }
  send(host_.respond(request, head_->authority, head_->fields.get(HeaderId::Origin)));
}

void AdminConnection::refuse(uint16_t status, std::string_view reason) {
  last_ = true;
  send(refused(status, std::string(reason) + "\n"));
}

void AdminConnection::send(Response response) {
  if (!response.page) {
    sendHead(response, response.body.empty() ? BodyKind::None : BodyKind::Length,
             response.body.size());
    if (head_->method != Method::Head) connection_.write(response.body);
    return finishResponse();
  }
  chunked_ = head_->protocol != Protocol::Http10;
  last_ = last_ || !chunked_;
  sendHead(response, chunked_ ? BodyKind::Chunked : BodyKind::UntilClose, 0);
  if (head_->method == Method::Head) return finishResponse();
  state_ = State::Answering;
  connection_.pauseRead();
  page_ = host_.pages().start(*this, std::move(response.page));
}

void AdminConnection::sendHead(const Response& response, BodyKind body, uint64_t length) {
  ResponseHead head(arena_);
  head.status = response.status;
  head.fields.add(HeaderId::ContentType, response.content_type);
  head.fields.add(HeaderId::CacheControl, "no-cache, max-age=0");
  head.fields.add("x-content-type-options", "nosniff");
  if (response.content_type == kHtml) head.fields.add("x-frame-options", "DENY");
  head.fields.add(HeaderId::Date, host_.date());
  if (response.status == 405) head.fields.add("allow", "POST");
  ConnectionOption option = last_ ? ConnectionOption::Close : ConnectionOption::None;
  if (!last_ && head_->protocol == Protocol::Http10) option = ConnectionOption::KeepAlive;
  connection_.write(codec::encodeResponseHead(head, body, length, head_->method, option, arena_));
}

void AdminConnection::onPageReady() {
  if (state_ == State::Answering && !connection_.congested()) writePage();
}

void AdminConnection::onWritable() {
  if (state_ == State::Answering) writePage();
}

void AdminConnection::writePage() {
  const PageJob::Taken taken = page_->take();
  if (!taken.text.empty()) {
    char header[20];
    if (chunked_)
      connection_.writeCopy({header, codec::encodeChunkHeader(header, taken.text.size())});
    connection_.write(taken.text);
    if (chunked_) connection_.write(codec::kChunkEnd);
  }
  if (taken.last && chunked_) connection_.write(codec::kLastChunk);
  connection_.flush();  // the text goes with this call
  if (state_ == State::Answering && taken.last) finishResponse();
}

// What was written may point into the arena and into locals of the callers.
void AdminConnection::finishResponse() {
  page_.reset();
  connection_.flush();
  if (state_ == State::Closed) return;
  if (last_ || input_ended_) return linger();
  state_ = State::Head;
  since_ = loop_.now();
  connection_.trim();
  connection_.resumeRead();
}

void AdminConnection::linger() {
  state_ = State::Lingering;
  since_ = loop_.now();
  connection_.finishWriting();
  if (state_ == State::Closed) return;
  if (input_ended_ && connection_.writeFinished()) return close();
  connection_.resumeRead();
  armTimer(kLinger);
}

void AdminConnection::onInputEnd() {
  input_ended_ = true;
  if (state_ == State::Lingering && connection_.writeFinished()) return close();
  // A client that has said all it will say still gets its page.
  if (state_ == State::Head || state_ == State::Body) linger();
}

void AdminConnection::onFailed(const Failure&) { close(); }

void AdminConnection::close() {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  timer_.disarm();
  if (page_ != nullptr) page_->cancel();
  connection_.close();
  host_.onClosed(*this);
  loop_.destroyLater(this);
}

void AdminConnection::armTimer(std::chrono::milliseconds wait) {
  timer_.arm(loop_.timers(), loop_.now() + wait);
}

void AdminConnection::onTimer() {
  const net::SteadyTime now = loop_.now();
  const uint64_t bytes = connection_.bytesIn() + connection_.bytesOut();
  // While the page is being made it is not the client who is slow.
  const bool ours = state_ == State::Answering && connection_.queued() == 0;
  if (bytes != std::exchange(bytes_seen_, bytes) || ours) since_ = now;
  const bool over = state_ == State::Lingering && connection_.writeFinished();
  if (over || now - since_ >= idle_timeout_) return close();
  armTimer(state_ == State::Lingering ? kLinger : idle_timeout_);
}

}  // namespace weir::admin
