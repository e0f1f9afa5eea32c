// A Verdict is a filter's answer to one event of a stream: let it pass, reply in the origin's
// place, or wait for a coroutine whose result is the verdict. To a head a filter may also answer
// that it wants the body first, and to trailers that a last piece of body takes their place.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "weir/body_need.h"
#include "weir/stream_info.h"
#include "weir/task.h"

namespace weir {

// A response made by Weir. Views live as long as the stream (arena, Plan or static storage).
struct LocalReply {
  uint16_t status = 500;
  std::string_view body;     // text/plain unless `fields` say otherwise
  std::string_view details;  // stable reason for logs: "ext_authz_denied"
  std::optional<ResponseFlag> flag;
  const Fields* fields = nullptr;  // added to the response; may hold content-type
  bool close = false;              // close the downstream connection afterwards
  // What a gRPC client is told; unset: what stands for `status` in gRPC.
  std::optional<uint32_t> grpc_status = std::nullopt;

  // One more field; its value is copied. `name`: as for Fields::add().
  template <typename Name>
  void add(Arena& arena, const Name& name, std::string_view value) {
    auto* all = arena.make<Fields>(arena);
    if (fields != nullptr) {
      for (const Field& field : *fields) all->append(field);
    }
    all->add(name, value);
    fields = all;
  }
};

// Copies the body.
inline LocalReply jsonReply(Arena& arena, uint16_t status, std::string_view body,
                            std::string_view details) {
  LocalReply reply;
  reply.status = status;
  reply.body = arena.copy(body);
  reply.details = details;
  reply.add(arena, HeaderId::ContentType, "application/json");
  return reply;
}

class [[nodiscard]] Verdict {
 public:
  enum class Kind : uint8_t { Pass, Reply, Wait, Gather, EndWith };

  static Verdict pass() { return Verdict(Kind::Pass); }
  // Ends the stream with this response. On the way down no later filter and no origin sees the
  // request; once a response head has been sent, a reply resets the stream instead.
  static Verdict reply(const LocalReply& reply) {
    Verdict verdict(Kind::Reply);
    verdict.reply_ = reply;
    return verdict;
  }
  static Verdict reply(uint16_t status, std::string_view body, std::string_view details) {
    LocalReply local;
    local.status = status;
    local.body = body;
    local.details = details;
    return reply(local);
  }
  // The chain stops here until the task has finished with a verdict of its own.
  static Verdict wait(Task<Verdict> task);
  // From onRequest or onResponse: what BodyNeed says, for this message alone. The same hook is
  // called again when the body is there; asking once more lets pass.
  static Verdict gather(BodyNeed need) {
    Verdict verdict(Kind::Gather);
    verdict.need_ = need;
    return verdict;
  }
  // From onRequestTrailers or onResponseTrailers: the message has no trailers, it ends with these
  // bytes of body. They live until the stream's end.
  static Verdict endWith(std::string_view last) {
    Verdict verdict(Kind::EndWith);
    verdict.reply_.body = last;
    return verdict;
  }

  Kind kind() const { return kind_; }
  const LocalReply& localReply() const { return reply_; }
  BodyNeed bodyNeed() const { return need_; }
  std::string_view lastPiece() const { return reply_.body; }
  Task<Verdict>&& takeTask() { return std::move(*task_); }

 private:
  explicit Verdict(Kind kind) : kind_(kind) {}

  Kind kind_;
  BodyNeed need_;
  LocalReply reply_;
  std::optional<Task<Verdict>> task_;
};

inline Verdict Verdict::wait(Task<Verdict> task) {
  Verdict verdict(Kind::Wait);
  verdict.task_.emplace(std::move(task));
  return verdict;
}

}  // namespace weir
