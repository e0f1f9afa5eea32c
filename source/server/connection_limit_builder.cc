#include "source/server/connection_limit_builder.h"

#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"

namespace weir::server {

using envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig;

std::shared_ptr<listener::ConnectionLimit> buildConnectionLimit(
    const envoy::config::bootstrap::v3::Bootstrap& bootstrap, const Where& at,
    const stream::BuildContext& context) {
  std::shared_ptr<listener::ConnectionLimit> limit;
  const auto& manager = bootstrap.overload_manager();
  const Where here = at.field("overload_manager");
  for (int i = 0; i < manager.resource_monitors_size(); ++i) {
    const Where monitor = here.field("resource_monitors").index(static_cast<size_t>(i));
    const auto& any = manager.resource_monitors(i).typed_config();
    DownstreamConnectionsConfig config;
    if (context.type_of(any) != config.GetDescriptor()->full_name()) {
      monitor.field("typed_config")
          .error("only envoy.resource_monitors.global_downstream_max_connections is supported yet");
      continue;
    }
    if (!context.unpack(any, config, monitor.field("typed_config"))) continue;
    if (config.max_active_downstream_connections() <= 0) {
      monitor.field("typed_config")
          .field("max_active_downstream_connections")
          .error("expected at least 1");
    }
    limit = std::make_shared<listener::ConnectionLimit>(
        static_cast<uint64_t>(config.max_active_downstream_connections()));
  }
  if (manager.actions_size() != 0) here.field("actions").error("not supported yet");
  if (manager.loadshed_points_size() != 0) here.field("loadshed_points").error("not supported yet");
  if (limit != nullptr || !context.runtime) return limit;
  const auto most = context.runtime("overload.global_downstream_max_connections");
  return most ? std::make_shared<listener::ConnectionLimit>(*most) : nullptr;
}

}  // namespace weir::server
