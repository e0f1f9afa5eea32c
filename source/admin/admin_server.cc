#include "source/admin/admin_server.h"

#include <event2/event.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "source/admin/browser_guard.h"
#include "source/admin/endpoints.h"
#include "source/listener/socket.h"

namespace weir::admin {
namespace {

constexpr int kAcceptsPerTurn = 16;

}  // namespace

Result<std::unique_ptr<AdminServer>> AdminServer::open(net::Loop& loop, AdminSettings settings,
                                                       AdminSource& source) {
  std::unique_ptr<AdminServer> server(new AdminServer(loop, std::move(settings), source));
  auto sockets = listener::openSockets(server->plan_, server->at(), 1);
  if (!sockets) return Error{"admin.address", sockets.error().text};
  server->listen(std::move(sockets->front()));
  return server;
}

AdminServer::AdminServer(net::Loop& loop, AdminSettings settings, AdminSource& source)
    : loop_(loop),
      settings_(std::move(settings)),
      source_(source),
      plan_("admin", StatScope(source.stats()).scope("listener").scope("admin")),
      pages_(loop) {
  listener::ListenAddress& at = plan_.addresses.emplace_back();
  at.address = settings_.address;
  at.unix_mode = settings_.unix_mode;
  plan_.reuse_port = false;
}

AdminServer::~AdminServer() {
  if (socket_) event_del(&event_);
  net::Loop::Turn turn(loop_);
  while (!connections_.empty()) (*connections_.begin())->close();
}

void AdminServer::listen(net::Fd socket) {
  socket_ = std::move(socket);
  if (!address().isUnix()) plan_.addresses[0].address = net::Address::localOf(socket_.get());
  // Level triggered: what one turn leaves is accepted in the next.
  event_assign(&event_, loop_.base(), socket_.get(), EV_READ | EV_PERSIST, onAcceptable, this);
  event_add(&event_, nullptr);
}

void AdminServer::onAcceptable(evutil_socket_t, short, void* self) {
  auto& server = *static_cast<AdminServer*>(self);
  net::Loop::Turn turn(server.loop_);
  server.acceptSome();
}

void AdminServer::acceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    net::Fd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        plan_.stats.accept_failure.add();
      return;
    }
    plan_.stats.cx_total.add();
    if (connections_.size() >= settings_.max_connections) {
      plan_.stats.cx_overflow.add();
      plan_.stats.cx_destroy.add();
      continue;
    }
    if (!address().isUnix()) {
      const int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    auto* connection = new AdminConnection(loop_, *this, settings_.idle_timeout);
    connections_.insert(connection);
    plan_.stats.cx_active.add();
    connection->accept(std::move(fd));
  }
}

void AdminServer::onClosed(AdminConnection& connection) {
  connections_.erase(&connection);
  plan_.stats.cx_active.sub();
  plan_.stats.cx_destroy.add();
}

bool AdminServer::isAllowed(std::string_view path) const {
  return settings_.allow_paths.empty() ||
         std::any_of(settings_.allow_paths.begin(), settings_.allow_paths.end(),
                     [&](const StringMatcher& matcher) { return matcher.matches(path); });
}

Response AdminServer::respond(const Request& request, std::string_view host,
                              std::optional<std::string_view> origin) {
  const bool loopback = !address().isUnix() && address().isLoopback();
  if (auto refusal = refuseForeignPage({request.method, host, origin, loopback})) return *refusal;
  if (!isAllowed(request.path)) {
    return refused(403, "request to path " + request.path + " not allowed\n");
  }
  return answer(request, source_);
}

std::string_view AdminServer::date() { return date_.at(std::chrono::system_clock::now()); }

}  // namespace weir::admin
