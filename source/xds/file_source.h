// A FileSource reads one type of resource from a file that holds a DiscoveryResponse, as YAML, JSON
// or protobuf by its suffix, and reads it again when it changes: when it is written and closed, or
// moved there, or something in `directory` is (Kubernetes swaps a link in the directory it mounts).
// What cannot be read changes nothing. Main thread.
#pragma once

#include <string>

#include "source/net/file_watch.h"
#include "source/xds/source.h"

namespace weir::xds {

class FileSource final : public Source, private net::TimerUser {
 public:
  // `directory`: PathConfigSource.watched_directory; may be empty.
  FileSource(net::Loop& loop, ResourceType type, std::string path, std::string directory);

  TypeState& of(ResourceType) override { return state_; }

 private:
  void onTimer() override { read(); }
  void read();
  void watch();

  net::Loop& loop_;
  const std::string path_, directory_;
  TypeState state_;
  net::Timer timer_;  // soon after somebody wants something
  net::FileWatch files_;
};

}  // namespace weir::xds
