// A SecretLife brings one user of TLS the secrets that it does not have itself (SDS), for as long
// as it lives: each answer becomes a context that handshakes use from then on. Owned by the version
// of the listener or cluster that the TLS belongs to; main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/transport/tls/tls_plan.h"
#include "source/xds/sources.h"
#include "source/xds/watch.h"

namespace weir::live {

class SecretLife final {
 public:
  struct Parts {
    net::Loop& loop;
    xds::Sources& sources;
    StatScope root;
    // `former`: the context that was in use, to be kept until no worker has it in hand; or null.
    std::function<void(const std::shared_ptr<transport::ReloadableTls>&,
                       std::shared_ptr<const void> former)>
        given;
  };

  // Whether there is anything to bring.
  static bool isNeeded(const transport::ReloadableTls* tls) {
    return tls != nullptr && !tls->fetched().all().empty();
  }

  // `warm`, once: for each secret there has been an answer, or none will be waited for.
  SecretLife(const Parts& parts, std::shared_ptr<transport::ReloadableTls> tls,
             std::function<void()> warm);
  ~SecretLife();

  // Once. The sources have been checked when the TLS was planned.
  void start();
  bool started() const { return started_; }
  bool warm() const { return warm_; }
  // Each name, and what the control plane said; null: it was not asked.
  void describe(const std::function<void(const std::string&, const xds::TypeState*)>& to) const;

 private:
  class One;

  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(const transport::SecretReference& reference,
                                  const xds::Resource& resource);
  void onAnswer();

  const Parts parts_;
  const std::shared_ptr<transport::ReloadableTls> tls_;
  const std::function<void()> became_warm_;
  std::vector<std::unique_ptr<One>> ones_;
  bool started_ = false, warm_ = false;
};

}  // namespace weir::live
