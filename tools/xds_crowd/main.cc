// weir_xds_crowd CLUSTERS ENDPOINTS PORT [ADDRESS]: a control plane of very many clusters, for
// measuring what follows it. It speaks delta ADS, and changes endpoints as lines on stdin say; it
// ends with stdin. No authentication, no TLS: for 127.0.0.1.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "tools/grpc_server/grpc_server.h"
#include "tools/xds_crowd/crowd.h"

namespace weir::xds_crowd {
namespace {

using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

constexpr char kMethod[] =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

class Server;

// One stream of one client. All under the server's mutex.
class Stream final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Stream(Server& server) : server_(server) { StartRead(&read_); }
  // The endpoints of those clusters, if they were asked for.
  void sendEndpoints(const std::vector<size_t>& numbers);

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;
  void take(const Request& request);
  void sendClusters();
  void send(Response& response, const char* url);

  Server& server_;
  std::set<size_t> wanted_;  // whose endpoints
  bool clusters_sent_ = false;
  uint64_t nonces_ = 0;
  grpc::ByteBuffer read_;
  std::deque<grpc::ByteBuffer> queue_;  // the first is being written
  bool ended_ = false;
};

class Server final : public grpc::CallbackGenericService {
 public:
  explicit Server(Crowd crowd) : crowd(std::move(crowd)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    if (context->method() != kMethod) return new grpc_server::Refusal;
    std::lock_guard lock(mutex);
    return *streams.insert(new Stream(*this)).first;
  }
  void move(const std::vector<size_t>& numbers) {
    std::lock_guard lock(mutex);
    for (const size_t number : numbers) crowd.move(number);
    for (Stream* stream : streams) stream->sendEndpoints(numbers);
  }

  std::mutex mutex;  // guards the rest
  Crowd crowd;
  std::set<Stream*> streams;
  uint64_t accepted = 0, refused = 0;  // responses
};

void Stream::send(Response& response, const char* url) {
  response.set_type_url(url);
  response.set_nonce(std::to_string(++nonces_));
  response.set_system_version_info(response.nonce());
  queue_.push_back(grpc_server::bufferOf(response));
  if (queue_.size() == 1) StartWrite(&queue_.front());
}

void Stream::sendClusters() {
  Response response;
  for (size_t i = 0; i < server_.crowd.size(); ++i) {
    server_.crowd.fillCluster(i, *response.add_resources());
  }
  send(response, kClusterUrl);
}

void Stream::sendEndpoints(const std::vector<size_t>& numbers) {
  Response response;
  for (const size_t number : numbers) {
    if (wanted_.contains(number)) {
      server_.crowd.fillEndpoints(number, *response.add_resources());
    }
  }
  if (!ended_ && !response.resources().empty()) send(response, kEndpointsUrl);
}

void Stream::take(const Request& request) {
  if (request.has_error_detail()) {
    ++server_.refused;
    std::printf("refused: %s\n", request.error_detail().message().c_str());
  } else if (!request.response_nonce().empty()) {
    ++server_.accepted;
  }
  if (request.type_url() == kClusterUrl && !std::exchange(clusters_sent_, true)) sendClusters();
  if (request.type_url() != kEndpointsUrl) return;
  std::vector<size_t> asked;
  for (const std::string& name : request.resource_names_unsubscribe()) {
    if (const auto number = server_.crowd.numberOf(name)) wanted_.erase(*number);
  }
  for (const std::string& name : request.resource_names_subscribe()) {
    if (const auto number = server_.crowd.numberOf(name)) asked.push_back(*number);
  }
  wanted_.insert(asked.begin(), asked.end());
  sendEndpoints(asked);
}

void Stream::OnReadDone(bool ok) {
  Request request;
  if (ok) ok = request.ParseFromString(grpc_server::bytesOf(read_));
  std::lock_guard lock(server_.mutex);
  if (ended_) return;
  if (!ok) {
    ended_ = true;
    return Finish(grpc::Status::OK);
  }
  take(request);
  StartRead(&read_);
}

void Stream::OnWriteDone(bool ok) {
  std::lock_guard lock(server_.mutex);
  queue_.pop_front();
  if (ok && !ended_ && !queue_.empty()) StartWrite(&queue_.front());
}

void Stream::OnDone() {
  {
    std::lock_guard lock(server_.mutex);
    server_.streams.erase(this);
  }
  delete this;
}

// One cluster after the other, those of 10 ms in one response. Where it starts goes on.
void churn(Server& server, double rate, double seconds) {
  using namespace std::chrono;
  static size_t next = 0;
  const auto begun = steady_clock::now();
  const auto total = static_cast<size_t>(rate * seconds);
  for (size_t done = 0; done < total;) {
    std::this_thread::sleep_for(milliseconds(10));
    const duration<double> passed = steady_clock::now() - begun;
    const auto due = std::min(total, static_cast<size_t>(passed.count() * rate));
    std::vector<size_t> numbers;
    for (; done < due; ++done) numbers.push_back(next++ % server.crowd.size());
    server.move(numbers);
  }
  std::printf("churned %zu\n", total);
}

void obey(Server& server, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  double first = 0, second = 0;
  words >> verb >> first >> second;
  if (verb == "move") {
    server.move({static_cast<size_t>(first) % server.crowd.size()});
  } else if (verb == "churn") {
    churn(server, first, second);
  } else if (verb == "told") {
    std::lock_guard lock(server.mutex);
    std::printf("told %llu accepted %llu refused\n",
                static_cast<unsigned long long>(server.accepted),
                static_cast<unsigned long long>(server.refused));
  } else {
    std::printf("what is '%s'?\n", line.c_str());
  }
}

int run(Crowd crowd, const std::string& address) {
  Server service(std::move(crowd));
  return grpc_server::serveOn(address, service, "weir_xds_crowd", [&](int port) {
    std::printf("serving on port %d\n", port);
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
      obey(service, line);
      std::fflush(stdout);
    }
  });
}

}  // namespace
}  // namespace weir::xds_crowd

int main(int argc, char** argv) {
  const auto number = [&](int index) {
    return argc > index ? static_cast<uint32_t>(std::atoi(argv[index])) : 0;
  };
  // The hosts' last number is at most 254.
  if (number(1) == 0 || number(2) == 0 || number(2) > 253 || number(3) == 0) {
    std::fprintf(stderr, "usage: weir_xds_crowd CLUSTERS ENDPOINTS PORT [ADDRESS]\n");
    return 2;
  }
  return weir::xds_crowd::run(weir::xds_crowd::Crowd(number(1), number(2), number(3)),
                              argc > 4 ? argv[4] : "127.0.0.1:0");
}
