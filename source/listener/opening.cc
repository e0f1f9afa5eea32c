#include "source/listener/opening.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/listener/serve.h"
#include "source/tcp/connection_log.h"
#include "source/transport/tls/tls_session.h"

namespace weir::listener {
namespace {

using std::chrono::milliseconds;

// How long what the client still sends is read and dropped, so that it gets what was written
// (RFC 9112 §9.6 says why).
constexpr milliseconds kLinger{1000};

}  // namespace

Opening::Opening(stream::Services& services, std::shared_ptr<const ListenerPlan> plan,
                 OpeningOwner& owner, transport::ConnectionPtr connection,
                 const transport::Accepted& accepted)
    : services_(services),
      plan_(std::move(plan)),
      owner_(owner),
      connection_(std::move(connection)),
      accepted_(accepted),
      facts_(std::make_shared<transport::ConnectionFacts>()),
      timer_(*this) {
  facts_->direct_remote = accepted_.remote;
  connection_->setUser(*this);
  plan_->stats.pre_cx_active.add();
}

Opening::~Opening() = default;

void Opening::start() {
  armInspection();
  inspect({});
}

void Opening::retire(const DrainPeriod& period) {
  retired_ = period;
  armInspection();
}

void Opening::armInspection() {
  net::SteadyTime end = retired_ ? retired_->end : net::SteadyTime::max();
  if (!plan_->filters.empty() && plan_->filters_timeout.count() != 0) {
    end = std::min(end, accepted_.at + plan_->filters_timeout);
  }
  if (end != net::SteadyTime::max()) timer_.arm(services_.loop.timers(), end);
}

size_t Opening::onInput(char* data, size_t size) {
  switch (stage_) {
    case Stage::Inspecting:
      return inspect({data, size});
    case Stage::Held:
    case Stage::Lingering:
      return size;  // nobody reads it any more
    default:
      return 0;
  }
}

size_t Opening::inspect(std::string_view bytes) {
  Introduction about{connection_->fd(), accepted_.remote, accepted_.local, *facts_};
  size_t taken = 0;
  while (next_filter_ < plan_->filters.size()) {
    const ListenerFilterSlot& slot = plan_->filters[next_filter_];
    if (filter_ == nullptr && !slot.disabled.matches(accepted_.local.port())) {
      filter_ = slot.plan->start();
    }
    ListenerFilter::Step step{ListenerFilter::Verdict::Done};
    if (filter_ != nullptr) step = filter_->onBytes(bytes.substr(taken), about);
    taken += step.consumed;
    if (step.verdict == ListenerFilter::Verdict::NeedMore) return taken;
    if (step.verdict == ListenerFilter::Verdict::Close) {
      close();
      return bytes.size();
    }
    filter_.reset();
    ++next_filter_;
  }
  timer_.disarm();
  matchChain();
  return taken;
}

void Opening::matchChain() {
  plan_->stats.pre_cx_active.sub();
  stage_ = Stage::Securing;
  const FilterChainPtr& chain =
      plan_->chooseChain({.local = accepted_.local,
                          .remote = accepted_.remote,
                          .direct_remote = facts_->direct_remote,
                          .server_name = facts_->server_name,
                          .transport_protocol = facts_->transport_protocol,
                          .application_protocols = facts_->application_protocols});
  if (chain == nullptr) {
    plan_->stats.no_filter_chain_match.add();
    return close();
  }
  group_ = owner_.onChainMatched(*this, chain);
  if (group_ == nullptr) return close();
  chain_ = chain.get();
  secure();
}

// What no listener filter consumed is where the handshake begins; decide() follows it.
void Opening::secure() {
  if (chain_->tls == nullptr) return decide();
  if (chain_->transport_timeout.count() != 0) wait(Stage::Securing, chain_->transport_timeout);
  auto session = chain_->tls->accept();
  if (session == nullptr) return close();
  connection_->secure(std::move(session));
}

void Opening::onConnected() { decide(); }

void Opening::decide() {
  timer_.disarm();
  stage_ = Stage::Deciding;
  if (!chain_->filters.empty()) describe();
  for (const NetworkFilterSlot& slot : chain_->filters) {
    filters_.push_back(slot.type->make(slot.plan.get()));
    if (!obey(filters_.back()->onConnection(*this))) return;
  }
  handOn();
}

// False: the connection is not passed on.
bool Opening::obey(const NetworkVerdict& verdict) {
  switch (verdict.kind()) {
    case NetworkVerdict::Kind::Pass:
      return true;
    case NetworkVerdict::Kind::Close:
      logRefusal(verdict.text());
      if (verdict.delay().count() == 0) {
        close();
      } else {
        wait(Stage::Held, verdict.delay());
      }
      return false;
    case NetworkVerdict::Kind::Answer:
      connection_->write(verdict.text());
      connection_->finishWriting();
      if (connection_->isOpen()) wait(Stage::Lingering, kLinger);
      return false;
  }
  return false;
}

void Opening::logRefusal(std::string_view details) {
  if (chain_->tcp == nullptr) return;
  accepted_.facts = facts_;
  tcp::logRefusal(*chain_->tcp, accepted_, *connection_, details, services_.loop.now());
}

void Opening::wait(Stage stage, milliseconds time) {
  stage_ = stage;
  timer_.arm(services_.loop.timers(), services_.loop.now() + time);
}

void Opening::describe() {
  view_.remote = ipOf(accepted_.remote);
  view_.direct_remote = ipOf(facts_->direct_remote);
  view_.local = ipOf(accepted_.local);
  view_.remote_port = accepted_.remote.port();
  view_.local_port = accepted_.local.port();
  view_.id = accepted_.id;
  view_.now = services_.loop.now();
  view_.server_name = facts_->server_name;
  view_.transport_protocol = facts_->transport_protocol;
  view_.application_protocols = facts_->application_protocols;
  view_.metadata = &facts_->metadata;
  const TlsFacts* tls = connection_->tls().get();
  if (tls == nullptr) return;
  view_.server_name = tls->server_name;
  view_.transport_protocol = "tls";
  view_.peer.secured = true;
  view_.peer.presented = tls->hasPeer();
  if (!tls->hasPeer()) return;
  view_.peer.uri = tls->peer.front().uri;
  view_.peer.dns = tls->peer.front().dns;
  view_.peer.subject = tls->peer.front().subject;
}

void Opening::handOn() {
  stage_ = Stage::Over;
  accepted_.facts = std::move(facts_);
  const std::string alpn(connection_->alpn());
  serve(services_, *chain_, *group_, std::move(connection_), accepted_, alpn,
        [this](transport::ServerConnection& next) {
          group_->onServerReplaced(*this, next);
          if (!filters_.empty()) group_->keepFilters(next, std::move(filters_));
        });
  services_.loop.destroyLater(this);
}

void Opening::onInputEnd() {
  if (stage_ == Stage::Inspecting) plan_->stats.filter_remote_close.add();
  if (stage_ == Stage::Lingering && !connection_->writeFinished()) return;  // the timer ends it
  close();
}

void Opening::onFailed(const Failure&) {
  if (stage_ == Stage::Inspecting) plan_->stats.filter_error.add();
  close();
}

void Opening::onTimer() {
  if (stage_ == Stage::Securing) plan_->stats.transport_timeout.add();
  if (stage_ != Stage::Inspecting) return close();
  if (retired_ && retired_->end <= services_.loop.now()) return close();
  plan_->stats.pre_cx_timeout.add();
  if (!plan_->continue_on_timeout) return close();
  filter_.reset();
  next_filter_ = plan_->filters.size();
  // Nobody is being told of input now, so what is kept of it is offered when reading resumes.
  transport::Connection& connection = *connection_;
  connection.pauseRead();
  matchChain();
  const bool reads_now = chain_ != nullptr && (chain_->tls != nullptr || chain_->tcp == nullptr);
  if (reads_now && connection.isOpen()) connection.resumeRead();
}

void Opening::close() {
  if (stage_ == Stage::Over) return;
  if (stage_ == Stage::Inspecting) plan_->stats.pre_cx_active.sub();
  stage_ = Stage::Over;
  timer_.disarm();
  connection_->close();
  group_ != nullptr ? group_->onServerClosed(*this) : owner_.onOpeningFailed(*this);
  services_.loop.destroyLater(this);
}

}  // namespace weir::listener
