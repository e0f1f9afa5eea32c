// RuntimeLayers keep the runtime's layers as layered_runtime says: those of the bootstrap as they
// are, those of directories as long as these are not swapped for others, and those that control
// planes give (RTDS). Lives in the Configuration; main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/runtime/runtime.h"
#include "source/xds/sources.h"
#include "weir/report.h"

namespace weir::live {

class RuntimeLayers {
 public:
  struct Parts {
    net::Loop& loop;
    xds::Sources& sources;
    runtime::Runtime& runtime;
    StatScope root;
    std::function<void()> progress;  // a control plane has answered, or will not be waited for
  };
  using Proto = envoy::config::bootstrap::v3::LayeredRuntime;

  // What is wrong is reported below `at`. `service_cluster`: node.cluster.
  RuntimeLayers(Parts parts, const Proto& proto, std::string_view service_cluster, const Where& at);
  ~RuntimeLayers();

  // Directories are watched and control planes asked from now on. Once.
  void start();
  bool allWarm() const;
  // Names of the layers whose control plane has not answered.
  std::vector<std::string> waitsFor() const;

 private:
  class Directory;
  class Discovered;
  using Layer = envoy::config::bootstrap::v3::RuntimeLayer;

  void add(const Layer& proto, std::string_view service_cluster, const Where& at);
  void addDirectory(const Layer& proto, std::string_view service_cluster);
  void addDiscovered(const Layer& proto, const Where& at);

  const Parts parts_;
  std::vector<std::unique_ptr<Directory>> directories_;
  std::vector<std::unique_ptr<Discovered>> discovered_;
};

}  // namespace weir::live
