#include "source/cluster/pool/connecting.h"

#include <algorithm>

#include "source/cluster/connect_to.h"
#include "source/cluster/pool/pool.h"

namespace weir::cluster {
namespace {

std::string_view protocolsOf(HttpVersion version) {
  using namespace std::string_view_literals;
  switch (version) {
    case HttpVersion::Http2:
      return "\2h2"sv;
    case HttpVersion::Agreed:
      return "\2h2\10http/1.1"sv;
    default:
      return "\10http/1.1"sv;
  }
}

}  // namespace

Connecting::Connecting(Pool& pool, net::Loop& loop)
    : pool_(pool),
      use_(pool.use()),
      loop_(loop),
      connection_(std::make_unique<transport::Connection>(loop, *this)),
      timer_(*this) {
  const ClusterSettings& settings = pool.cluster().settings();
  connection_->countInto(&pool.cluster().stats().bytes);
  connection_->setHighMark(
      std::min(settings.buffer_limit, transport::Connection::kDefaultHighMark));
}

bool Connecting::start() {
  began_ = loop_.now();
  const ClusterSettings& settings = pool_.cluster().settings();
  if (!connectTo(*connection_, settings, pool_.endpoint(),
                 {protocolsOf(pool_.version()), pool_.serverName()})) {
    return false;
  }
  timer_.arm(loop_.timers(), began_ + settings.connect_timeout);
  return true;
}

void Connecting::onConnected() {
  timer_.disarm();
  pool_.cluster().stats().cx_connect_ms.record(
      static_cast<uint64_t>((loop_.now() - began_) / std::chrono::microseconds(1)));
  pool_.onConnected(*this);
}

void Connecting::onInputEnd() { fail(FailureKind::ConnectFailed, "closed while connecting"); }

void Connecting::onFailed(const Failure& failure) {
  const bool lost =
      failure.kind == FailureKind::ConnectionReset || failure.kind == FailureKind::ConnectionClosed;
  fail(lost ? FailureKind::ConnectFailed : failure.kind, failure.detail);
}

void Connecting::onTimer() { fail(FailureKind::ConnectTimeout, "connect timeout"); }

void Connecting::fail(FailureKind kind, std::string_view detail) {
  timer_.disarm();
  connection_->close();
  pool_.onConnectFailed(*this, {Side::Upstream, kind, Retry::Safe, detail});
}

}  // namespace weir::cluster
