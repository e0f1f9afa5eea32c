#include "source/live/secret_life.h"

#include <algorithm>
#include <utility>

#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {

// One of the secrets.
class SecretLife::One final : private xds::Watcher {
 public:
  One(SecretLife& life, transport::SecretReference reference)
      : life_(life), reference_(std::move(reference)) {}

  // What another user of TLS has asked for already is used at once.
  void start() {
    Report report;
    xds::TypeState* state = life_.parts_.sources.find(reference_.sds_config(),
                                                      xds::ResourceType::Secret, Where(report));
    if (state == nullptr) return static_cast<void>(answered_ = true);
    watch_ = xds::Watch::make(
        *state, life_.parts_.loop,
        xds::Watch::Wish{xds::Watch::Kind::Name, reference_.name(),
                         xds::Sources::patienceOf(reference_.sds_config()),
                         life_.parts_.root.scope("sds").scope(reference_.name()), true},
        *this);
    const xds::ResourcePtr known = watch_->current();
    if (known == nullptr) return;
    if (const auto why = life_.take(reference_, *known)) {
      logNamed("config").error("secret '{}': {}", reference_.name(), *why);
    }
    answered_ = true;
  }
  bool answered() const { return answered_; }
  const std::string& name() const { return reference_.name(); }
  const xds::TypeState* said() const { return watch_ == nullptr ? nullptr : &watch_->state(); }

 private:
  // An answer that cannot be used is one, too: nothing better is under way.
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override {
    if (update.resources.empty()) return;  // that it does not exist yet is none
    for (const xds::ResourcePtr& resource : update.resources) {
      auto why = life_.take(reference_, *resource);
      if (why) refusals.push_back({resource->name, *std::move(why)});
    }
    onFetchTimeout();
  }
  void onFetchTimeout() override {
    answered_ = true;
    life_.onAnswer();
  }

  SecretLife& life_;
  const transport::SecretReference reference_;
  std::unique_ptr<xds::Watch> watch_;
  bool answered_ = false;
};

SecretLife::SecretLife(const Parts& parts, std::shared_ptr<transport::ReloadableTls> tls,
                       std::function<void()> warm)
    : parts_(parts), tls_(std::move(tls)), became_warm_(std::move(warm)) {
  for (const auto& one : tls_->fetched().all()) {
    ones_.push_back(std::make_unique<One>(*this, one.reference));
  }
}

SecretLife::~SecretLife() = default;

void SecretLife::start() {
  started_ = true;
  for (const auto& one : ones_) one->start();
  onAnswer();
}

std::optional<std::string> SecretLife::take(const transport::SecretReference& reference,
                                            const xds::Resource& resource) {
  transport::Secret secret;
  if (auto why = parse(resource, secret)) return why;
  Report report;
  auto former = tls_->give(reference, std::move(secret), report);
  parts_.given(tls_, std::move(former));
  if (!report.ok()) return wordsOf(report);
  return std::nullopt;
}

void SecretLife::onAnswer() {
  if (warm_ ||
      !std::all_of(ones_.begin(), ones_.end(), [](const auto& one) { return one->answered(); })) {
    return;
  }
  warm_ = true;
  became_warm_();
}

void SecretLife::describe(
    const std::function<void(const std::string&, const xds::TypeState*)>& to) const {
  for (const auto& one : ones_) to(one->name(), one->said());
}

}  // namespace weir::live
