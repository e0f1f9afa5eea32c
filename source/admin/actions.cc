#include <spdlog/spdlog.h>

#include "source/admin/handlers.h"

namespace weir::admin {

Response failHealthChecks(const Request&, AdminSource& source) {
  source.failHealthChecks(true);
  return ok();
}

Response passHealthChecks(const Request&, AdminSource& source) {
  source.failHealthChecks(false);
  return ok();
}

Response drainListeners(const Request& request, AdminSource& source) {
  source.drainListeners({.graceful = request.has("graceful"),
                         .skip_exit = request.has("skip_exit"),
                         .inbound_only = request.has("inboundonly")});
  return ok();
}

Response reopenLogs(const Request&, AdminSource& source) {
  source.reopenLogs();
  return ok();
}

Response quit(const Request&, AdminSource& source) {
  spdlog::info("asked to exit by POST /quitquitquit");
  source.quit();
  return ok();
}

}  // namespace weir::admin
