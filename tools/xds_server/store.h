// A Store is the resources that a directory holds: in `clusters/`, `endpoints/`, `listeners/`,
// `routes/`, `scoped_routes/`, `virtual_hosts/`, `secrets/`, `runtime/` and `extensions/` each file
// (YAML, JSON or protobuf by its suffix) is one resource. A file that cannot be read is named on
// stderr, and what it held before stays. Any thread.
#pragma once

#include <google/protobuf/any.pb.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "source/xds/resource_type.h"

namespace weir::xds_server {

struct Item {
  google::protobuf::Any body;
  std::string version;  // another one for other content
};

// All of one type, by name; and a version of all of it.
struct Shelf {
  std::map<std::string, Item> items;
  std::string version;
};

using Shelves = std::map<xds::ResourceType, Shelf>;

class Store {
 public:
  explicit Store(std::filesystem::path root) : root_(std::move(root)) {}

  // Reads what has changed; whether anything has. Any thread.
  bool refresh();
  std::shared_ptr<const Shelves> shelves() const;

 private:
  struct File {
    std::filesystem::file_time_type written;
    uintmax_t size = 0;
    std::string name;
    Item item;
  };

  bool readFolder(xds::ResourceType type, const std::filesystem::path& folder);
  static bool readFile(xds::ResourceType type, const std::filesystem::path& path, File& file);
  void publish();

  const std::filesystem::path root_;
  std::mutex reading_;  // guards files_
  std::map<xds::ResourceType, std::map<std::filesystem::path, File>> files_;
  mutable std::mutex mutex_;  // guards shelves_
  std::shared_ptr<const Shelves> shelves_ = std::make_shared<const Shelves>();
};

}  // namespace weir::xds_server
