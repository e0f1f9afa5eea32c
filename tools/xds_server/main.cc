// weir_xds_server DIRECTORY [ADDRESS]: a control plane for tests and demonstrations. It serves what
// the files of a directory say, by every gRPC method of xDS v3, and again when they change; each
// request is told in one line on stdout. No authentication, no TLS: for 127.0.0.1.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "source/xds/resource_type.h"
#include "tools/grpc_server/grpc_server.h"
#include "tools/xds_server/store.h"
#include "tools/xds_server/subscriptions.h"

namespace weir::xds_server {
namespace {

using grpc_server::bufferOf;
using grpc_server::bytesOf;

// What a method is for; nothing: no such method.
struct Method {
  bool delta = false;
  std::optional<xds::ResourceType> only;
};

std::optional<Method> methodOf(const std::string& path) {
  if (path == xds::kAdsStreamMethod) return Method{false, {}};
  if (path == xds::kAdsDeltaMethod) return Method{true, {}};
  for (int i = 0; i <= static_cast<int>(xds::ResourceType::Extension); ++i) {
    const xds::TypeFacts& facts = xds::factsOf(static_cast<xds::ResourceType>(i));
    if (path == facts.stream_method) return Method{false, facts.type};
    if (path == facts.delta_method) return Method{true, facts.type};
  }
  return std::nullopt;
}

class Server;

// One stream of one client.
class Stream final : public grpc::ServerGenericBidiReactor {
 public:
  Stream(Server& server, const Method& method) : server_(server), method_(method) {
    StartRead(&read_);
  }
  void onChange();

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;
  void sendDue(const Shelves& shelves);

  Server& server_;
  const Method method_;
  std::mutex mutex_;
  Subscriptions wanted_;
  grpc::ByteBuffer read_;
  std::deque<grpc::ByteBuffer> queue_;  // the first is being written
  bool ended_ = false;
};

class Server final : public grpc::CallbackGenericService {
 public:
  explicit Server(Store& store) : store_(store) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const auto method = methodOf(context->method());
    if (!method) return new grpc_server::Refusal;
    auto* stream = new Stream(*this, *method);
    std::lock_guard lock(mutex_);
    streams_.insert(stream);
    return stream;
  }
  void forget(Stream* stream) {
    std::lock_guard lock(mutex_);
    streams_.erase(stream);
  }
  void onChange() {
    std::lock_guard lock(mutex_);
    for (Stream* stream : streams_) stream->onChange();
  }
  // What is there at this moment: whoever wrote files before a request finds them in the answer.
  std::shared_ptr<const Shelves> shelves() {
    if (store_.refresh()) changed_ = true;
    return store_.shelves();
  }
  // Every so often.
  void look() {
    if (store_.refresh()) changed_ = true;
    if (changed_.exchange(false)) onChange();
  }

 private:
  Store& store_;
  std::atomic<bool> changed_{false};  // and not every stream was told
  std::mutex mutex_;
  std::set<Stream*> streams_;
};

// Never an older state than the one before.
void Stream::onChange() {
  std::lock_guard lock(mutex_);
  sendDue(*server_.shelves());
}

void Stream::sendDue(const Shelves& shelves) {
  if (ended_) return;
  const bool idle = queue_.empty();
  if (method_.delta) {
    for (const auto& response : wanted_.dueDelta(shelves)) queue_.push_back(bufferOf(response));
  } else {
    for (const auto& response : wanted_.due(shelves)) queue_.push_back(bufferOf(response));
  }
  if (idle && !queue_.empty()) StartWrite(&queue_.front());
}

void Stream::OnReadDone(bool ok) {
  std::lock_guard lock(mutex_);
  if (ended_) return;
  if (!ok) {
    ended_ = true;
    return Finish(grpc::Status::OK);
  }
  const std::string bytes = bytesOf(read_);
  std::string said;
  if (Subscriptions::DeltaRequest delta; method_.delta && delta.ParseFromString(bytes)) {
    said = wanted_.take(delta, method_.only);
  } else if (Subscriptions::Request request; !method_.delta && request.ParseFromString(bytes)) {
    said = wanted_.take(request, method_.only);
  } else {
    ended_ = true;
    return Finish({grpc::StatusCode::INVALID_ARGUMENT, "no request of this method"});
  }
  std::printf("%s\n", said.c_str());
  std::fflush(stdout);
  sendDue(*server_.shelves());
  StartRead(&read_);
}

void Stream::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  queue_.pop_front();
  if (ok && !ended_ && !queue_.empty()) StartWrite(&queue_.front());
}

void Stream::OnDone() {
  server_.forget(this);
  delete this;
}

volatile std::sig_atomic_t g_stop = 0;

int run(const char* directory, const std::string& address) {
  Store store(directory);
  store.refresh();
  Server service(store);
  return grpc_server::serveOn(address, service, "weir_xds_server", [&](int port) {
    std::printf("serving %s on port %d\n", directory, port);
    std::fflush(stdout);
    while (g_stop == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      service.look();
    }
  });
}

}  // namespace
}  // namespace weir::xds_server

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: weir_xds_server DIRECTORY [ADDRESS, default 127.0.0.1:18000]\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { weir::xds_server::g_stop = 1; });
  std::signal(SIGINT, [](int) { weir::xds_server::g_stop = 1; });
  return weir::xds_server::run(argv[1], argc > 2 ? argv[2] : "127.0.0.1:18000");
}
