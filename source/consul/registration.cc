#include "source/consul/registration.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <utility>

#include "source/stream/waits.h"

namespace weir::consul {
namespace {

using std::chrono::milliseconds;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write(Writer& to, const std::string& text) {
  to.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void writeMember(Writer& to, const char* name, const std::string& text) {
  to.Key(name);
  write(to, text);
}

std::string textOf(milliseconds span) { return std::to_string(span.count()) + "ms"; }
std::string textOf(const Refusal& refusal) {
  return std::string(nameOf(refusal.reason)) + ": " + refusal.detail;
}

// The agent runs beside Weir: what listens on all addresses is found there.
std::string readyUrl(const net::Address& admin) {
  const std::string text = admin.ipText();
  const std::string port = ":" + std::to_string(admin.port());
  if (text == "0.0.0.0") return "http://127.0.0.1" + port + "/ready";
  if (text == "::") return "http://[::1]" + port + "/ready";
  return "http://" + admin.text() + "/ready";
}

void writeCheck(Writer& to, const RegistrationSettings& settings, const net::Address& admin) {
  const bool is_grpc = settings.check == RegistrationSettings::Check::Grpc;
  to.Key("Check");
  to.StartObject();
  writeMember(to, is_grpc ? "GRPC" : "HTTP",
              settings.target.empty() ? readyUrl(admin) : settings.target);
  writeMember(to, "Interval", textOf(settings.interval));
  if (settings.forgotten_after.count() != 0) {
    writeMember(to, "DeregisterCriticalServiceAfter", textOf(settings.forgotten_after));
  }
  to.EndObject();
}

// https://developer.hashicorp.com/consul/api-docs/agent/service#register-service
std::string bodyOf(const RegistrationSettings& settings, const Registration::Found& at) {
  rapidjson::StringBuffer buffer;
  Writer to(buffer);
  to.StartObject();
  writeMember(to, "ID", settings.id);
  writeMember(to, "Name", settings.name);
  to.Key("Tags");
  to.StartArray();
  for (const std::string& tag : settings.tags) write(to, tag);
  to.EndArray();
  to.Key("Meta");
  to.StartObject();
  for (const auto& [key, value] : settings.meta) writeMember(to, key.c_str(), value);
  to.EndObject();
  if (!settings.address.empty()) writeMember(to, "Address", settings.address);
  to.Key("Port");
  to.Uint(settings.port != 0 ? settings.port : at.port);
  writeCheck(to, settings, at.admin);
  to.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

Registration::Registration(Agent& agent, RegistrationSettings settings)
    : agent_(agent), settings_(std::move(settings)), back_off_(kBackOff) {
  const StatScope scope = agent.scope().scope("registration");
  registered_gauge_ = scope.gauge("registered");
  success_ = scope.counter("success");
  failure_ = scope.counter("failure");
}

Registration::~Registration() = default;

void Registration::start(const Found& at) {
  body_ = bodyOf(settings_, at);
  if (settings_.port == 0 && at.port == 0) {
    say(false, "it has no port, as no listener has one: give registration.port");
  }
  running_.emplace(run());
  running_->start();
}

// Apart from the watches: an agent answers this from its own memory, also while it answers no watch
// because it has lost its servers.
Task<Done> Registration::run() {
  for (;;) {
    const milliseconds pause = take(co_await agent_.call(request()));
    if (pause.count() != 0) co_await stream::sleepOn(agent_.loop(), pause);
  }
}

// To be registered; else whether it is still.
CallRequest Registration::request() const {
  CallRequest request;
  request.timeout = Query::kPatience;
  request.path = ownService("", settings_.id, agent_.settings());
  if (registered_) return request;
  request.method = "PUT";
  request.path = ownService("register", "", agent_.settings());
  request.fields.emplace_back("content-type", "application/json");
  request.body = body_;
  return request;
}

milliseconds Registration::take(const CallResult& result) {
  const std::optional<Refusal> refusal = refusalOf(result);
  if (!refusal) {
    if (!registered_ || trouble_) say(true, "the agent has it");
    if (!registered_) success_.add();
    setRegistered(true);
    trouble_.reset();
    back_off_.reset();
    return kLook;
  }
  if (registered_ && refusal->reason == Reason::NotFound) {
    say(false, "the agent has lost it; it is made again");
    setRegistered(false);
    return milliseconds(0);
  }
  if (trouble_ != refusal->reason) say(false, textOf(*refusal) + "; it is tried again");
  trouble_ = refusal->reason;
  failure_.add();
  agent_.learn(refusal->reason);
  return back_off_.next(agent_.parts_.random());
}

void Registration::setRegistered(bool registered) {
  registered_ = registered;
  registered_gauge_.set(registered ? 1 : 0);
}

void Registration::leave(std::function<void()> done) {
  const bool begun = running_.has_value();
  running_.reset();
  if (!begun) return done();
  running_.emplace(sayFarewell(std::move(done)));
  running_->start();
}

Task<Done> Registration::sayFarewell(std::function<void()> done) {
  CallRequest request;
  request.method = "PUT";
  request.path = ownService("deregister/", settings_.id, agent_.settings());
  request.timeout = kFarewell;
  const std::optional<Refusal> refusal = refusalOf(co_await agent_.call(std::move(request)));
  if (!refusal || refusal->reason == Reason::NotFound) {
    setRegistered(false);
    say(true, "withdrawn");
  } else {
    failure_.add();
    say(false, "could not be withdrawn: " + textOf(*refusal));
  }
  done();
  co_return Done{};
}

void Registration::say(bool good, const std::string& what) const {
  agent_.say(good, "consul: registration of '" + settings_.id + "': " + what);
}

}  // namespace weir::consul
