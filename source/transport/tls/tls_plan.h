// What an endpoint of TLS is made from: DownstreamTlsContext and UpstreamTlsContext, read on the
// main thread into contexts that workers use, and read again when a file they name changes, or a
// secret that was fetched. Every field that is set is obeyed or refused, with its name. While a
// secret is still to come there is no context, and no connection.
//
// TlsServer and TlsClient live as long as the configuration; accept(), connect() and current() are
// for any worker, the rest for the main thread. A context that is replaced may still be in a
// worker's hand: reload() gives it back, to be held until each worker has ended its turn.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/transport/tls/secrets.h"
#include "source/transport/tls/tls_context.h"
#include "weir/report.h"

namespace weir::transport {

using DownstreamTlsProto = envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using UpstreamTlsProto = envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;

class TlsReader;

struct TlsBuild {
  std::shared_ptr<const Secrets> secrets;
  StatScope scope;    // the listener's or cluster's
  std::string owner;  // "listener 'edge'", for the log
};

class ReloadableTls {
 public:
  ReloadableTls(const ReloadableTls&) = delete;
  virtual ~ReloadableTls() = default;

  // Null: a secret is still to come.
  const TlsContext* current() const { return seen_.load(std::memory_order_acquire); }
  const std::string& owner() const { return build_.owner; }
  // Files and directories to look after.
  const std::vector<std::string>& watched() const { return watched_; }
  // Reads everything again. What cannot be used is reported, and what was in use goes on; null when
  // nothing is to be replaced.
  std::shared_ptr<const TlsContext> reload(Report& report);
  // What it needs from elsewhere.
  const FetchedSecrets& fetched() const { return fetched_; }
  // One of those has come: as reload(). One that cannot be used is forgotten.
  std::shared_ptr<const TlsContext> give(const SecretReference& reference, Secret secret,
                                         Report& report);
  // Of tickets, when they are made here.
  virtual void rotateKeys(std::chrono::steady_clock::time_point) {}

 protected:
  ReloadableTls(TlsBuild build, bool server)
      : build_(std::move(build)),
        server_(server),
        stats_(std::make_shared<const TlsStats>(build_.scope)) {}

  // False: reported.
  virtual bool read(TlsReader& reader, TlsParts& parts, const Where& at) = 0;
  bool start(const Where& at);
  // No connection can be made yet.
  void countNotReady() const { not_ready_.add(); }

  const TlsBuild build_;

 private:
  // Null: reported, or a secret is still to come.
  std::shared_ptr<const TlsContext> make(const TlsContext* before, const Where& at);
  std::shared_ptr<const TlsContext> replaceWith(std::shared_ptr<const TlsContext> made);

  const bool server_;
  std::vector<std::string> watched_;
  FetchedSecrets fetched_;
  Counter not_ready_, updated_by_sds_;  // only where a secret is fetched
  std::shared_ptr<const TlsStats> stats_;
  std::shared_ptr<const TlsContext> context_;
  std::atomic<const TlsContext*> seen_{nullptr};
};

class TlsServer final : public ReloadableTls {
 public:
  // Null when errors were reported.
  static std::shared_ptr<TlsServer> plan(const DownstreamTlsProto& proto, TlsBuild build,
                                         const Where& at);

  // Null: a secret is still to come.
  std::unique_ptr<TlsSession> accept() const;
  void rotateKeys(std::chrono::steady_clock::time_point now) override;

 private:
  TlsServer(const DownstreamTlsProto& proto, TlsBuild build)
      : ReloadableTls(std::move(build), true), proto_(proto) {}
  bool read(TlsReader& reader, TlsParts& parts, const Where& at) override;
  bool readTickets(TlsReader& reader, TlsParts& parts, const Where& at);

  const DownstreamTlsProto proto_;
  std::shared_ptr<TicketKeys> made_keys_;  // kept when certificates change
};

class TlsClient final : public ReloadableTls {
 public:
  static std::shared_ptr<TlsClient> plan(const UpstreamTlsProto& proto, TlsBuild build,
                                         const Where& at);

  // Each may be empty.
  struct Names {
    std::string_view host;       // the endpoint's
    std::string_view requested;  // asked for in place of `sni`
    std::string_view verified;   // what the certificate must be for
  };
  // Null: a secret is still to come.
  std::unique_ptr<TlsSession> connect(const Names& names) const;
  // Names::verified will be given: whatever is read from now on must make it mean something. False:
  // what was read does not.
  bool verifyNames();
  const std::string& serverName() const { return proto_.sni(); }

 private:
  TlsClient(const UpstreamTlsProto& proto, TlsBuild build)
      : ReloadableTls(std::move(build), false), proto_(proto) {}
  bool read(TlsReader& reader, TlsParts& parts, const Where& at) override;

  const UpstreamTlsProto proto_;
  bool verifies_names_ = false;
};

}  // namespace weir::transport
