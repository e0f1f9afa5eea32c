// A Filter sees one stream. The chain makes it, in the stream's arena, when the request's route is
// known, from a Plan that was built and checked when the configuration was loaded; it calls the
// hooks on the stream's worker in this order and destroys it when the stream has ended:
//
//   onRequest onRequestBody* onRequestTrailers?  onAttempt*
//   onResponse onResponseBody* onResponseTrailers?  onDone
//
// Requests run down the chain, responses up. Request and response hooks may interleave (an origin
// may answer early). After a reply or a reset only onAttempt and onDone are called. Every hook has
// a default that lets pass, and a hook that is not overridden costs nothing: it is not in the
// compiled chain.
//
// A filter type has three parts: a protobuf message, a Plan and a Filter.
//   struct Plan {
//     static Result<Plan> from(const Proto&, PlanBuild&);
//     // Optional; per-route configuration, least specific level first. Default: Plan::from() of
//     // the most specific level.
//     static Result<Plan> forRoute(const Plan& base, std::span<const RouteProto>, PlanBuild&);
//     // Optional; default: BodyNeed::stream() when the body hook is overridden, else none().
//     BodyNeed requestBody() const;
//     BodyNeed responseBody() const;
//   };
//   class F : public Filter { explicit F(const Plan&); … };
//   void install(FilterRegistry& registry) { registry.add<Proto, Plan, F>("envoy.filters.http.f");
//   }
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/body_need.h"
#include "weir/head.h"
#include "weir/stream.h"
#include "weir/stream_info.h"
#include "weir/verdict.h"

namespace weir {

// A piece of a body. A filter may point `data` at bytes of its own that stay valid until its next
// call, or make it empty. `end` is true once, on the last piece of a message without trailers; that
// piece may be empty. The chunk itself outlives a task that its hook waits on.
struct Chunk {
  std::string_view data;
  bool end = false;
};

class Filter {
 public:
  Filter() = default;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  virtual ~Filter() = default;

  virtual Verdict onRequest(RequestHead&, Stream&) { return Verdict::pass(); }
  virtual Verdict onRequestBody(Chunk&, Stream&) { return Verdict::pass(); }
  virtual Verdict onRequestTrailers(Fields&, Stream&) { return Verdict::pass(); }
  virtual Verdict onResponse(ResponseHead&, Stream&) { return Verdict::pass(); }
  virtual Verdict onResponseBody(Chunk&, Stream&) { return Verdict::pass(); }
  virtual Verdict onResponseTrailers(Fields&, Stream&) { return Verdict::pass(); }
  // The outcome of one attempt at an endpoint, told once each when the response's head came or
  // none will; a response that breaks off behind its head is told once more, with status and
  // failure. Not called for requests that never reached an endpoint.
  virtual void onAttempt(const Attempt&, Stream&) {}
  // The stream is over, however it ended. Called exactly once.
  virtual void onDone(const StreamInfo&, Stream&) {}
};

}  // namespace weir
