#include "source/live/runtime_layers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "envoy/service/runtime/v3/rtds.pb.h"
#include "source/live/log.h"
#include "source/live/refused.h"
#include "source/net/file_watch.h"
#include "source/runtime/disk_values.h"

namespace weir::live {
namespace {

using envoy::config::core::v3::ConfigSource;

// Nothing: they could not be read. Nothing inside: there is no such directory.
std::optional<std::optional<runtime::Values>> readFiles(const std::string& path,
                                                        const runtime::Runtime& runtime) {
  auto values = runtime::readDirectory(path);
  if (values) return *std::move(values);
  logNamed("runtime").warn("{}: {}; the values from before stay", values.error().field,
                           values.error().text);
  runtime.countFailure();
  return std::nullopt;
}

}  // namespace

// A layer whose values are files. They are written in a directory of their own, and a link is moved
// to it when all are there (symlink_root): they are read then, and never half.
class RuntimeLayers::Directory {
 public:
  Directory(const Parts& parts, size_t layer, std::string link, std::string path)
      : parts_(parts), layer_(layer), link_(std::move(link)), path_(std::move(path)) {}

  void start() {
    files_.emplace(parts_.loop, [this] { onChange(); });
    files_->addFile(link_);
  }

 private:
  void onChange() {
    files_->addFile(link_);
    auto values = readFiles(path_, parts_.runtime);
    if (!values) return;
    const runtime::Runtime::Layer& now = parts_.runtime.layers()[layer_];
    if (now.exists == values->has_value() && (!now.exists || now.values == **values)) return;
    parts_.runtime.set(layer_, *std::move(values));
  }

  const Parts& parts_;
  const size_t layer_;
  const std::string link_, path_;
  std::optional<net::FileWatch> files_;
};

// A layer that a control plane gives.
class RuntimeLayers::Discovered final : private xds::Watcher {
 public:
  Discovered(const Parts& parts, size_t layer, const std::string& name, const ConfigSource& source)
      : parts_(parts), layer_(layer), name_(name), source_(source) {}

  bool warm() const { return warm_; }
  const std::string& name() const { return name_; }

  void start() {
    Report report;  // of what was checked when the bootstrap was read
    xds::TypeState* state = parts_.sources.find(source_, xds::ResourceType::Runtime, Where(report));
    if (state == nullptr) return becomeWarm();
    watch_ = xds::Watch::make(
        *state, parts_.loop,
        xds::Watch::Wish{xds::Watch::Kind::Name, name_, xds::Sources::patienceOf(source_),
                         parts_.root.scope("runtime")},
        *this);
    const xds::ResourcePtr known = watch_->current();
    if (known == nullptr) return;
    if (const auto why = take(*known)) logNamed("runtime").error("layer '{}': {}", name_, *why);
    becomeWarm();
  }

 private:
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override {
    for (const xds::ResourcePtr& resource : update.resources) {
      if (auto why = take(*resource)) refusals.push_back({resource->name, *std::move(why)});
    }
    if (!update.removed.empty()) parts_.runtime.set(layer_, runtime::Values());
    becomeWarm();
  }
  void onFetchTimeout() override {
    logNamed("runtime").warn("layer '{}': its control plane has not answered in time", name_);
    becomeWarm();
  }

  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(const xds::Resource& resource) {
    envoy::service::runtime::v3::Runtime proto;
    if (auto why = parse(resource, proto)) return why;
    if (proto.name() != name_)
      return "expected layer '" + name_ + "', found '" + proto.name() + "'";
    auto values = runtime::valuesOf(proto.layer());
    if (!values) {
      parts_.runtime.countFailure();
      return "layer." + values.error().field + ": " + values.error().text;
    }
    logNamed("runtime").info("layer '{}' has {} key(s)", name_, values->size());
    parts_.runtime.set(layer_, *std::move(values));
    return std::nullopt;
  }

  void becomeWarm() {
    if (!std::exchange(warm_, true)) parts_.progress();
  }

  const Parts& parts_;
  const size_t layer_;
  const std::string name_;
  const ConfigSource source_;
  std::unique_ptr<xds::Watch> watch_;
  bool warm_ = false;
};

RuntimeLayers::RuntimeLayers(Parts parts, const Proto& proto, std::string_view service_cluster,
                             const Where& at)
    : parts_(std::move(parts)) {
  for (int i = 0; i < proto.layers_size(); ++i) {
    add(proto.layers(i), service_cluster, at.field("layers").index(static_cast<size_t>(i)));
  }
  parts_.runtime.publish();
}

RuntimeLayers::~RuntimeLayers() = default;

void RuntimeLayers::add(const Layer& proto, std::string_view service_cluster, const Where& at) {
  const auto& above = parts_.runtime.layers();
  const auto is = [&](auto&& what) { return std::any_of(above.begin(), above.end(), what); };
  if (proto.name().empty()) {
    at.field("name").error("expected a name");
  } else if (is([&](const auto& layer) { return layer.name == proto.name(); })) {
    at.field("name").error("a layer named '" + proto.name() + "' stands above already");
  }
  switch (proto.layer_specifier_case()) {
    case Layer::kStaticLayer:
      if (auto values = runtime::valuesOf(proto.static_layer())) {
        parts_.runtime.add({.name = proto.name(), .values = *std::move(values)});
      } else {
        at.field("static_layer").field(values.error().field).error(values.error().text);
      }
      return;
    case Layer::kDiskLayer:
      if (proto.disk_layer().symlink_root().empty()) {
        at.field("disk_layer").field("symlink_root").error("expected a directory");
      }
      return addDirectory(proto, service_cluster);
    case Layer::kAdminLayer:
      if (is([](const auto& layer) { return layer.is_admin; })) {
        at.field("admin_layer").error("an admin_layer stands above already: there is one at most");
      }
      parts_.runtime.add({.name = proto.name(), .values = {}, .is_admin = true});
      return;
    case Layer::kRtdsLayer:
      return addDiscovered(proto, at.field("rtds_layer"));
    case Layer::LAYER_SPECIFIER_NOT_SET:
      at.error("expected static_layer, disk_layer, admin_layer or rtds_layer");
  }
}

void RuntimeLayers::addDirectory(const Layer& proto, std::string_view service_cluster) {
  const auto& disk = proto.disk_layer();
  std::string path = disk.symlink_root() + "/" + disk.subdirectory();
  if (disk.append_service_cluster()) path.append("/").append(service_cluster);
  auto values = readFiles(path, parts_.runtime).value_or(std::nullopt);
  const bool exists = values.has_value();
  const size_t layer = parts_.runtime.add({.name = proto.name(),
                                           .values = std::move(values).value_or(runtime::Values()),
                                           .is_disk = true,
                                           .exists = exists});
  directories_.push_back(
      std::make_unique<Directory>(parts_, layer, disk.symlink_root(), std::move(path)));
}

void RuntimeLayers::addDiscovered(const Layer& proto, const Where& at) {
  const auto& rtds = proto.rtds_layer();
  if (rtds.name().empty()) at.field("name").error("expected the name of a Runtime resource");
  parts_.sources.find(rtds.rtds_config(), xds::ResourceType::Runtime, at.field("rtds_config"));
  const size_t layer = parts_.runtime.add({.name = proto.name(), .values = {}});
  discovered_.push_back(
      std::make_unique<Discovered>(parts_, layer, rtds.name(), rtds.rtds_config()));
}

void RuntimeLayers::start() {
  for (const auto& directory : directories_) directory->start();
  for (const auto& layer : discovered_) layer->start();
}

bool RuntimeLayers::allWarm() const {
  return std::all_of(discovered_.begin(), discovered_.end(),
                     [](const auto& layer) { return layer->warm(); });
}

std::vector<std::string> RuntimeLayers::waitsFor() const {
  std::vector<std::string> names;
  for (const auto& layer : discovered_) {
    if (!layer->warm()) names.push_back(layer->name());
  }
  return names;
}

}  // namespace weir::live
