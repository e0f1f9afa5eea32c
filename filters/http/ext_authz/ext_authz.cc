// Asks a service whether a request may pass, and does what it says. The stream waits meanwhile;
// when its client goes away, the question is withdrawn with it.
#include "filters/http/ext_authz/plan.h"

#include <algorithm>

namespace weir::filters::ext_authz {
namespace {

constexpr std::string_view kName = "envoy.filters.http.ext_authz";
constexpr std::string_view kRemove = "x-envoy-auth-headers-to-remove";
constexpr std::string_view kPartial = "x-envoy-auth-partial-body";
constexpr std::string_view kFailureAllowed = "x-envoy-auth-failure-mode-allowed";

bool anyMatches(const Matchers& matchers, std::string_view name) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [name](const auto& one) { return one.matches(name); });
}

// Fields that belong to one message or connection, never to be carried into another.
bool isFraming(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "connection", "content-length",   "expect",  "host",    "keep-alive",
      "te",         "proxy-connection", "trailer", "upgrade", "transfer-encoding"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

void add(CallRequest& call, std::string_view name, std::string_view value) {
  for (auto& [known, text] : call.fields) {
    if (known == name) return void(text.append(",").append(value));
  }
  call.fields.emplace_back(name, value);
}

void set(CallRequest& call, std::string_view name, std::string_view value) {
  std::erase_if(call.fields, [name](const auto& field) { return field.first == name; });
  call.fields.emplace_back(name, value);
}

class ExtAuthz final : public Filter {
 public:
  explicit ExtAuthz(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    if (plan_.disabled) return Verdict::pass();
    // A tunnel has no path to ask about, and the question would itself be a tunnel.
    if (head.method == Method::Connect) return refuse();
    if (!plan_.enabled.includes(stream.random())) {
      plan_.stats.disabled.add();
      return plan_.deny_when_off.on() ? refuse() : Verdict::pass();
    }
    return Verdict::wait(ask(head, stream));
  }

  // What the service wants the client of an allowed request to see.
  Verdict onResponse(ResponseHead& head, Stream&) override {
    if (client_fields_ == nullptr) return Verdict::pass();
    for (const Field& field : *client_fields_) head.fields.append(field);
    return Verdict::pass();
  }

 private:
  Task<Verdict> ask(RequestHead& head, Stream& stream) {
    const CallResult answer = co_await stream.call(question(head, stream));
    if (answer.failure || answer.status >= 500) co_return failed(answer, head);
    if (answer.status != 200) co_return denied(answer, stream);
    plan_.stats.ok.add();
    allow(answer, head, stream);
    co_return Verdict::pass();
  }

  CallRequest question(const RequestHead& head, Stream& stream) const {
    const Service& service = plan_.service;
    CallRequest call;
    call.cluster = service.cluster;
    call.timeout = service.timeout;
    call.method = head.method_name;
    call.authority = head.authority;
    call.path = service.path_override.empty() ? service.path_prefix + std::string(head.path)
                                              : service.path_override;
    for (const Field& field : head.fields) {
      if (isSeen(field.name())) add(call, field.name(), field.value());
    }
    addBody(call, stream);
    for (const auto& [name, format] : service.headers_to_add) {
      const std::string_view value = format.fieldValue(stream.info(), stream.arena());
      if (!value.empty()) set(call, name, value);
    }
    return call;
  }

  bool isSeen(std::string_view name) const {
    if (isFraming(name) || anyMatches(plan_.disallowed, name)) return false;
    return name == "authorization" || anyMatches(plan_.allowed, name);
  }

  void addBody(CallRequest& call, Stream& stream) const {
    const std::string_view body = stream.requestBody();
    if (plan_.body.kind == BodyNeed::Kind::None || body.empty()) return;
    call.body = body.substr(0, plan_.body.limit);
    set(call, kPartial, call.body.size() < body.size() ? "true" : "false");
  }

  Verdict refuse() const {
    LocalReply reply;
    reply.status = plan_.status_on_error;
    reply.details = "ext_authz_error";
    reply.flag = ResponseFlag::UnauthorizedExternalService;
    return Verdict::reply(reply);
  }

  Verdict failed(const CallResult& answer, RequestHead& head) const {
    plan_.stats.error.add();
    if (answer.failure.kind == FailureKind::Timeout) plan_.stats.timeout.add();
    if (!plan_.failure_mode_allow) return refuse();
    plan_.stats.failure_mode_allowed.add();
    if (plan_.failure_mode_header) head.fields.add(kFailureAllowed, "true");
    return Verdict::pass();
  }

  Verdict denied(const CallResult& answer, Stream& stream) const {
    plan_.stats.denied.add();
    Arena& arena = stream.arena();
    auto* fields = arena.make<Fields>(arena);
    for (const auto& [name, value] : answer.fields) {
      if (isFraming(name) || name == kRemove) continue;
      if (plan_.service.to_client.empty() || anyMatches(plan_.service.to_client, name))
        fields->add(name, value);
    }
    takeMetadata(answer, stream);
    LocalReply reply;
    reply.status = answer.status;
    reply.fields = fields;
    reply.details = "ext_authz_denied";
    reply.flag = ResponseFlag::UnauthorizedExternalService;
    const size_t most = plan_.max_denied_body == 0 ? answer.body.size() : plan_.max_denied_body;
    reply.body = arena.copy(std::string_view(answer.body).substr(0, most));
    return Verdict::reply(reply);
  }

  void allow(const CallResult& answer, RequestHead& head, Stream& stream) {
    const Service& service = plan_.service;
    Arena& arena = stream.arena();
    for (const auto& [name, value] : answer.fields) {
      if (isFraming(name) || name == kRemove) continue;
      if (anyMatches(service.to_upstream, name)) {
        head.fields.remove(name);
        head.fields.add(name, value);
      }
      if (anyMatches(service.append_upstream, name)) head.fields.add(name, value);
      if (!anyMatches(service.to_client_allowed, name)) continue;
      if (client_fields_ == nullptr) client_fields_ = arena.make<Fields>(arena);
      client_fields_->add(name, value);
    }
    removeNamed(answer, head);
    takeMetadata(answer, stream);
  }

  // "a, b": fields that the origin shall not see.
  static void removeNamed(const CallResult& answer, RequestHead& head) {
    for (const auto& [name, value] : answer.fields) {
      if (name != kRemove) continue;
      for (std::string_view rest = value; !rest.empty();) {
        const size_t comma = std::min(rest.find(','), rest.size());
        std::string_view one = rest.substr(0, comma);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        const std::string lower = asciiLower(one);
        if (!isFraming(lower)) head.fields.remove(lower);
      }
    }
  }

  void takeMetadata(const CallResult& answer, Stream& stream) const {
    for (const auto& [name, value] : answer.fields) {
      if (!anyMatches(plan_.service.to_metadata, name)) continue;
      if (!plan_.takes_metadata) return plan_.stats.ignored_metadata.add();
      stream.setMetadata(kName, name, value);
    }
  }

  const Plan& plan_;
  Fields* client_fields_ = nullptr;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::ExtAuthz, Plan, ExtAuthz, v3::ExtAuthzPerRoute>(kName);
}

}  // namespace weir::filters::ext_authz
