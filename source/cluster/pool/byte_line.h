// A ByteLine is one worker's connection to an endpoint that speaks no HTTP: requests are written in
// order, replies are taken in the same order, many may be outstanding. It opens at the first
// request and lives until the endpoint or the cluster goes, a deadline passes, or it idles too
// long. ByteLines owns the lines of a worker's cluster, one an endpoint. Worker thread only.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/cluster/cluster_use.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"
#include "weir/client.h"

namespace weir::cluster {

class ByteLine;
class ByteLines;

// Someone who waits for a reply. Told once, or never when it is destroyed before: its reply is then
// read and dropped.
class ByteAsker {
 public:
  virtual void onByteReply(std::string_view reply) = 0;
  virtual void onByteFailure(const Failure& failure) = 0;

  ByteAsker(const ByteAsker&) = delete;
  ByteAsker& operator=(const ByteAsker&) = delete;

 protected:
  ByteAsker() = default;
  ~ByteAsker();
  // The reply did not come in time. Replies that come late cannot be told from others, so the line
  // closes, and all who wait on it fail.
  void giveUp();

 private:
  friend class ByteLine;
  ByteLine* line_ = nullptr;  // while it waits
};

class ByteLine final : public transport::ConnectionUser, net::TimerUser, public net::Deferred {
 public:
  ByteLine(ByteLines& lines, net::Loop& loop, EndpointPtr endpoint);

  bool connect();
  // May fail at once, through the asker.
  void ask(ByteAsker& asker, const ByteRequest& request);
  // The endpoint is gone: closes when nothing is outstanding any more.
  void retire();
  const Endpoint& endpoint() const { return *endpoint_; }

 private:
  friend class ByteAsker;
  friend class ByteLines;
  struct Entry {
    ByteAsker* asker;  // null: gone
    ByteRequest::ReplySize reply_size;
    size_t max_reply;
    net::SteadyTime asked;
  };

  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onConnected() override;
  void onFailed(const Failure& failure) override;
  void onTimer() override;

  ByteAsker* release(Entry& entry);
  void answer(std::string_view reply);
  void fail(FailureKind kind, std::string_view detail, bool locally = true);
  void rest();

  ByteLines& lines_;
  const ClusterUse use_;
  EndpointPtr endpoint_;
  transport::Connection connection_;
  net::Timer timer_;  // to connect, or of the idle line
  std::deque<Entry> entries_;
  std::string early_;  // requests from before there was a connection
  bool connected_ = false;
  bool retired_ = false;
  net::SteadyTime began_{};
};

class ByteLines {
 public:
  // Each line is a use of `owner`, which has the ByteLines.
  ByteLines(net::Loop& loop, ClusterUses& owner, const Cluster& cluster)
      : loop_(loop), owner_(owner), cluster_(&cluster) {}
  ByteLines(const ByteLines&) = delete;

  // Null: cannot connect.
  ByteLine* to(const EndpointPtr& endpoint);
  void keepOnly(const EndpointSet& endpoints);
  // Another version of the cluster, which goes on with the connections.
  void setCluster(const Cluster& cluster) { cluster_ = &cluster; }
  // Whatever is outstanding fails.
  void closeAll();
  const Cluster& cluster() const { return *cluster_; }

 private:
  friend class ByteLine;
  void forget(ByteLine& line, bool locally);

  net::Loop& loop_;
  ClusterUses& owner_;
  const Cluster* cluster_;
  std::vector<ByteLine*> lines_;  // open; one an endpoint, and those of endpoints that are gone
};

}  // namespace weir::cluster
