#include "source/server/tls_rotation.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::server {
namespace {

constexpr std::chrono::minutes kLook{10};  // for ticket keys, and files whose events were lost

}  // namespace

TlsRotation::TlsRotation(net::Loop& loop, std::function<void(std::shared_ptr<const void>)> retire)
    : loop_(loop), retire_(std::move(retire)), files_(loop, [this] { look(); }), timer_(*this) {}

void TlsRotation::start() { onTimer(); }

void TlsRotation::add(const std::shared_ptr<transport::ReloadableTls>& tls) {
  if (tls == nullptr) return;
  Kept& kept = kept_[tls.get()];
  if (!kept.tls.expired()) return;
  kept.tls = tls;
  look(kept, *tls);
  tls->rotateKeys(loop_.now());
}

void TlsRotation::onSecrets(const std::shared_ptr<transport::ReloadableTls>& tls,
                            std::shared_ptr<const void> former) {
  if (former != nullptr) retire_(std::move(former));
  const auto kept = kept_.find(tls.get());
  if (kept != kept_.end()) look(kept->second, *tls);
}

// From now on a change is one after this moment.
void TlsRotation::look(Kept& kept, const transport::ReloadableTls& tls) {
  watch(tls);
  kept.seen = fingerprint(tls);
}

std::vector<std::shared_ptr<transport::ReloadableTls>> TlsRotation::all() const {
  std::vector<std::shared_ptr<transport::ReloadableTls>> all;
  for (const auto& [address, kept] : kept_) {
    if (auto tls = kept.tls.lock()) all.push_back(std::move(tls));
  }
  return all;
}

void TlsRotation::watch(const transport::ReloadableTls& tls) {
  for (const std::string& path : tls.watched()) files_.addFile(path);
}

// What tells a changed file from the one that was read.
std::string TlsRotation::fingerprint(const transport::ReloadableTls& tls) {
  std::string text;
  for (const std::string& path : tls.watched()) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0 || S_ISDIR(facts.st_mode)) {
      text += "-;";
      continue;
    }
    for (const auto number :
         {static_cast<uint64_t>(facts.st_dev), static_cast<uint64_t>(facts.st_ino),
          static_cast<uint64_t>(facts.st_size), static_cast<uint64_t>(facts.st_mtim.tv_sec),
          static_cast<uint64_t>(facts.st_mtim.tv_nsec), static_cast<uint64_t>(facts.st_ctim.tv_sec),
          static_cast<uint64_t>(facts.st_ctim.tv_nsec)}) {
      text += std::to_string(number) + ',';
    }
    text += ';';
  }
  return text;
}

void TlsRotation::look() {
  std::erase_if(kept_, [](const auto& each) { return each.second.tls.expired(); });
  for (auto& [address, kept] : kept_) {
    const auto tls = kept.tls.lock();
    if (tls == nullptr) continue;
    watch(*tls);
    std::string now = fingerprint(*tls);
    if (now == kept.seen) continue;
    kept.seen = std::move(now);  // of before the reading: a later change is seen again
    reload(*tls);
  }
}

void TlsRotation::reload(transport::ReloadableTls& tls) {
  Report report;
  auto former = tls.reload(report);
  for (const Problem& problem : report.sorted()) {
    if (problem.severity != Severity::Error) continue;
    spdlog::error("TLS of {}: {}: {}; what was in use goes on", tls.owner(), problem.path,
                  problem.text);
  }
  if (report.ok()) spdlog::info("TLS of {}: new certificates are in use", tls.owner());
  if (former != nullptr) retire_(std::move(former));
}

void TlsRotation::onTimer() {
  look();
  for (const auto& tls : all()) tls->rotateKeys(loop_.now());
  timer_.arm(loop_.timers(), loop_.now() + kLook);
}

uint32_t TlsRotation::daysUntilFirstExpiry() const {
  using std::chrono::system_clock;
  uint32_t least = std::numeric_limits<uint32_t>::max();
  const auto now = system_clock::now();
  const auto note = [&](const CertificateFacts& facts) {
    const auto left = std::chrono::floor<std::chrono::days>(facts.valid_until - now).count();
    least = std::min(least, static_cast<uint32_t>(std::clamp<int64_t>(left, 0, least)));
  };
  for (const auto& tls : all()) {
    const transport::TlsContext* context = tls->current();
    if (context == nullptr) continue;
    for (const auto& identity : context->identities()) {
      note(*identity->facts);
      for (const auto& facts : identity->chain_facts) note(*facts);
    }
    const transport::PeerCheck* peer = context->peer();
    if (peer == nullptr) continue;
    for (const auto& facts : peer->authorityFacts()) note(*facts);
  }
  return least;
}

}  // namespace weir::server
