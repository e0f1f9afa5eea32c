// The AdminServer is the admin interface: it listens on one address, owns its connections and the
// page threads, and passes requests to the endpoints (endpoints.h). Made on the main thread and
// lives there, on the main loop, from before the workers until after them: /ready tells of the
// drain, too.
#pragma once

#include <event2/event_struct.h>

#include <memory>
#include <unordered_set>

#include "source/admin/admin_connection.h"
#include "source/admin/admin_settings.h"
#include "source/admin/admin_source.h"
#include "source/admin/page_threads.h"
#include "source/listener/listener_plan.h"
#include "source/stream/date_text.h"

namespace weir::admin {

class AdminServer final : public AdminHost {
 public:
  // The error names the address and why it cannot be listened on. `source` outlives the server.
  static Result<std::unique_ptr<AdminServer>> open(net::Loop& loop, AdminSettings settings,
                                                   AdminSource& source);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  // Closes all connections and waits for pages that are being rendered.
  ~AdminServer();

  // Where it listens, with the port the kernel chose: for --admin-address-path.
  const net::Address& address() const { return at().address; }
  size_t connections() const { return connections_.size(); }

 private:
  AdminServer(net::Loop& loop, AdminSettings settings, AdminSource& source);

  // AdminHost
  Response respond(const Request& request, std::string_view host,
                   std::optional<std::string_view> origin) override;
  std::string_view date() override;
  PageThreads& pages() override { return pages_; }
  ChunkPool& chunks() override { return chunks_; }
  void onClosed(AdminConnection& connection) override;

  void listen(net::Fd socket);
  static void onAcceptable(evutil_socket_t, short, void* self);
  void acceptSome();
  bool isAllowed(std::string_view path) const;
  const listener::ListenAddress& at() const { return plan_.addresses[0]; }

  net::Loop& loop_;
  const AdminSettings settings_;
  AdminSource& source_;
  listener::ListenerPlan plan_;  // for its socket and its stats: "listener.admin.…", as Envoy's
  net::Fd socket_;
  event event_{};
  ChunkPool chunks_;
  stream::DateText date_;
  PageThreads pages_;
  std::unordered_set<AdminConnection*> connections_;
};

}  // namespace weir::admin
