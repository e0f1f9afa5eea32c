// What the gRPC servers of tools/ have in common: messages as buffers, methods that are not there,
// and serving until somebody says stop. Plaintext, nobody is asked who they are: for 127.0.0.1.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace weir::grpc_server {

inline std::string bytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

inline grpc::ByteBuffer bufferOf(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

// Answers a call of a method that the server does not have; owns itself.
class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  Refusal() { Finish({grpc::StatusCode::UNIMPLEMENTED, "no such method"}); }

 private:
  void OnDone() override { delete this; }
};

// Serves on `address` while `stay(port)` runs; the port is the one that was bound. The exit code of
// `program`: 1 where the address cannot be had.
template <class Stay>
int serveOn(const std::string& address, grpc::CallbackGenericService& service, const char* program,
            Stay stay) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::fprintf(stderr, "%s: cannot listen on %s\n", program, address.c_str());
    return 1;
  }
  stay(port);
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace weir::grpc_server
