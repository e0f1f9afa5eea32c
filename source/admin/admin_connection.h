// An AdminConnection is one client of the admin interface: HTTP/1.1 with keep-alive and pipelining,
// one request at a time. Small answers leave at once; a page is rendered by a page thread and
// written in chunks as fast as the client reads, while the request after it waits in the socket.
// Owned by itself through the server's list; dies at the end of the turn in which it closes. Main
// thread.
//
//   Head -> Body -> (Answering) -> Head … -> Lingering -> closed
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/admin/page_threads.h"
#include "source/admin/request.h"
#include "source/codec/http1/body_decoder.h"
#include "source/codec/http1/encode.h"
#include "source/codec/http1/head_scanner.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"
#include "weir/arena.h"
#include "weir/head.h"

namespace weir::admin {

class AdminConnection;

// What a connection needs of the server.
class AdminHost {
 public:
  virtual Response respond(const Request& request, std::string_view host,
                           std::optional<std::string_view> origin) = 0;
  virtual std::string_view date() = 0;
  virtual PageThreads& pages() = 0;
  virtual ChunkPool& chunks() = 0;
  virtual void onClosed(AdminConnection& connection) = 0;

 protected:
  ~AdminHost() = default;
};

class AdminConnection final : public transport::ConnectionUser,
                              public PageReader,
                              public net::TimerUser,
                              public net::Deferred {
 public:
  static constexpr size_t kMaxBody = 64 * 1024;

  AdminConnection(net::Loop& loop, AdminHost& host, std::chrono::milliseconds idle_timeout);
  ~AdminConnection() override;

  void accept(net::Fd fd);
  void close();

 private:
  enum class State : uint8_t { Head, Body, Answering, Lingering, Closed };

  // transport::ConnectionUser
  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onWritable() override;
  void onFailed(const Failure& failure) override;

  void onPageReady() override;
  void onTimer() override;

  size_t readHead(char* data, size_t size);
  size_t readBody(std::string_view data);
  void beginRequest();
  void handle();
  void refuse(uint16_t status, std::string_view reason);
  void send(Response response);
  void sendHead(const Response& response, codec::BodyKind body, uint64_t length);
  void writePage();
  void finishResponse();
  void linger();
  void armTimer(std::chrono::milliseconds wait);

  net::Loop& loop_;
  AdminHost& host_;
  transport::Connection connection_;
  net::Timer timer_;
  codec::HeadScanner scanner_;
  codec::BodyDecoder decoder_;
  codec::Framing framing_;
  Arena arena_;  // of the request and its response's head
  std::optional<RequestHead> head_;
  std::string body_;  // of the request
  std::shared_ptr<PageJob> page_;
  State state_ = State::Head;
  bool last_ = false;  // the connection ends with this response
  bool input_ended_ = false;
  bool chunked_ = false;  // how the page is framed
  const std::chrono::milliseconds idle_timeout_;
  uint64_t bytes_seen_ = 0;  // moved in both directions when the timer looked last
  net::SteadyTime since_;    // of the last progress
};

}  // namespace weir::admin
