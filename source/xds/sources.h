// Sources finds where a ConfigSource says that resources come from, and shares it: one stream for
// ADS, one for each other server and type. Owns them; main thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "envoy/config/core/v3/config_source.pb.h"
#include "source/rpc/grpc_stream.h"
#include "source/stream/services.h"
#include "source/xds/source.h"
#include "weir/report.h"

namespace weir::xds {

class Sources {
 public:
  struct Parts {
    net::Loop& loop;
    stream::Services& services;  // the main thread's: requests to control planes are sent with it
    StatScope root;
    std::function<void(std::string)> identified;
    // Where what is accepted is kept across starts; null: nowhere.
    StateDirectory* state = nullptr;
  };

  explicit Sources(Parts parts) : parts_(std::move(parts)) {}
  Sources(const Sources&) = delete;
  ~Sources();

  // All three before find().
  void setNode(envoy::config::core::v3::Node node) { node_ = std::move(node); }
  void setAds(const envoy::config::core::v3::ApiConfigSource& proto, const Where& at);

  // What `self` stands for: Consul. It outlives the sources.
  void setSelf(Source& source) { self_ = &source; }

  // The clusters that control planes are reached through, as far as sources are known.
  const std::set<std::string, std::less<>>& clusters() const { return clusters_; }

  // The cluster that a source is reached through; empty: there is none.
  std::string clusterOf(const envoy::config::core::v3::ConfigSource& proto) const;

  // Null, and reported: it cannot be used.
  TypeState* find(const envoy::config::core::v3::ConfigSource& proto, ResourceType type,
                  const Where& at);
  // Nothing more will be said: what is to be kept is on its way to the disk afterwards. Before any
  // watch goes.
  void finishSaving() const;
  // What is in use of an earlier process's saved state, for people.
  std::vector<std::string> staleness() const;
  // initial_fetch_timeout: 15 s, 0 for ever.
  static std::chrono::milliseconds patienceOf(const envoy::config::core::v3::ConfigSource& proto);

 private:
  using ApiConfigSource = envoy::config::core::v3::ApiConfigSource;
  using ConfigSource = envoy::config::core::v3::ConfigSource;

  static std::string clusterOf(const ApiConfigSource& proto);
  // Saves what a source at `where` says, under a name of its own.
  std::function<void(TypeState&)> keeperOf(const google::protobuf::Message& where,
                                           std::string_view kind);
  bool sendsDeltas(const ConfigSource& proto) const;
  std::unique_ptr<Source> makeApi(const ApiConfigSource& proto, ResourceType type, const Where& at);
  std::unique_ptr<Source> makeRest(const ApiConfigSource& proto, ResourceType type,
                                   const Where& at);
  std::unique_ptr<Source> makeFile(const ConfigSource& proto, ResourceType type, const Where& at);
  std::unique_ptr<Source> makeGrpc(const ApiConfigSource& proto, std::optional<ResourceType> only,
                                   const Where& at);
  TypeState* findOther(const ConfigSource& proto, ResourceType type, const Where& at);

  const Parts parts_;
  std::vector<const TypeState*> kept_;
  envoy::config::core::v3::Node node_;
  std::unique_ptr<Source> ads_;
  Source* self_ = nullptr;
  bool ads_delta_ = false;
  std::string ads_cluster_;
  std::set<std::string, std::less<>> clusters_;
  std::map<std::pair<ResourceType, std::string>, std::unique_ptr<Source>> others_;
};

}  // namespace weir::xds
