#include "tools/xds_server/store.h"

#include <cstdio>
#include <functional>

#include "source/config/any.h"
#include "source/config/bootstrap.h"
#include "source/xds/resource.h"

namespace weir::xds_server {
namespace {

namespace fs = std::filesystem;
using xds::ResourceType;

constexpr std::pair<const char*, ResourceType> kFolders[] = {
    {"clusters", ResourceType::Cluster},
    {"endpoints", ResourceType::Endpoints},
    {"listeners", ResourceType::Listener},
    {"routes", ResourceType::Routes},
    {"scoped_routes", ResourceType::ScopedRoutes},
    {"virtual_hosts", ResourceType::VirtualHost},
    {"secrets", ResourceType::Secret},
    {"runtime", ResourceType::Runtime},
    {"extensions", ResourceType::Extension},
};

std::string hex(size_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%zx", number);
  return text;
}

}  // namespace

std::shared_ptr<const Shelves> Store::shelves() const {
  std::lock_guard lock(mutex_);
  return shelves_;
}

bool Store::refresh() {
  std::lock_guard lock(reading_);
  bool changed = false;
  for (const auto& [folder, type] : kFolders) changed |= readFolder(type, root_ / folder);
  if (changed) publish();
  return changed;
}

// A file that is being written is read again when it is.
bool Store::readFolder(ResourceType type, const fs::path& folder) {
  auto& known = files_[type];
  std::map<fs::path, File> now;
  bool changed = false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with('.') || !entry.is_regular_file(error)) continue;
    File file;
    const auto before = known.find(path);
    if (before != known.end()) file = before->second;
    const auto written = entry.last_write_time(error);
    const auto size = entry.file_size(error);
    if (before == known.end() || written != file.written || size != file.size) {
      file.written = written;
      file.size = size;
      changed |= readFile(type, path, file);
    }
    now.emplace(path, std::move(file));
  }
  changed |= now.size() != known.size();
  known = std::move(now);
  return changed;
}

bool Store::readFile(ResourceType type, const fs::path& path, File& file) {
  Report report;
  const std::string url(xds::factsOf(type).url);
  const auto message = config::makeMessage(google::protobuf::Any::default_instance(),
                                           std::string(config::typeNameOf(url)));
  config::BootstrapSource source;
  source.path = path;
  if (message == nullptr || !config::loadBootstrap(source, *message, report)) {
    std::fputs(report.text().c_str(), stderr);
    return false;
  }
  Item item;
  item.body.set_type_url(url);
  item.body.set_value(message->SerializeAsString());
  item.version = hex(std::hash<std::string>()(item.body.value()));
  const auto name = xds::nameOf(item.body);
  if (!name) {
    std::fprintf(stderr, "%s: the resource has no name\n", path.c_str());
    return false;
  }
  file.name = *name;
  file.item = std::move(item);
  return true;
}

void Store::publish() {
  auto shelves = std::make_shared<Shelves>();
  for (const auto& [type, files] : files_) {
    Shelf& shelf = (*shelves)[type];
    std::string all;
    for (const auto& [path, file] : files) {
      if (!file.name.empty()) shelf.items[file.name] = file.item;
    }
    for (const auto& [name, item] : shelf.items) all += name + '=' + item.version + ';';
    shelf.version = hex(std::hash<std::string>()(all));
  }
  std::lock_guard lock(mutex_);
  shelves_ = std::move(shelves);
}

}  // namespace weir::xds_server
