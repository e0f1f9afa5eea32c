// A TlsRotation looks after the files that TLS was made from: when they change, it reads them again
// and gives the workers new contexts. New handshakes use them; connections that are open go on.
// What cannot be used changes nothing: it is logged and counted. Lives in the Server; main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/net/file_watch.h"
#include "source/net/loop.h"
#include "source/transport/tls/tls_plan.h"

namespace weir::server {

class TlsRotation final : private net::TimerUser {
 public:
  // `retire` keeps something until every worker has ended its turn.
  TlsRotation(net::Loop& loop, std::function<void(std::shared_ptr<const void>)> retire);

  void start();
  // It is looked after for as long as somebody else has it. Null, and one that is there, are
  // nothing new.
  void add(const std::shared_ptr<transport::ReloadableTls>& tls);
  // It was given a secret, which may name other files. `former`: the context that it had.
  void onSecrets(const std::shared_ptr<transport::ReloadableTls>& tls,
                 std::shared_ptr<const void> former);

  std::vector<std::shared_ptr<transport::ReloadableTls>> all() const;
  // Of the certificate that expires first; 0: one has. Without any, 2^32-1, as in Envoy.
  uint32_t daysUntilFirstExpiry() const;

 private:
  struct Kept {
    std::weak_ptr<transport::ReloadableTls> tls;
    std::string seen;  // the files' fingerprint
  };

  void look();
  void look(Kept& kept, const transport::ReloadableTls& tls);
  void watch(const transport::ReloadableTls& tls);
  static std::string fingerprint(const transport::ReloadableTls& tls);
  void reload(transport::ReloadableTls& tls);
  void onTimer() override;

  net::Loop& loop_;
  const std::function<void(std::shared_ptr<const void>)> retire_;
  net::FileWatch files_;
  net::Timer timer_;
  std::map<const void*, Kept> kept_;  // by address, which another one may have later
};

}  // namespace weir::server
