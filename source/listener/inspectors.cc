#include "source/listener/inspectors.h"

#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "source/codec/opening/first_line.h"

namespace weir::listener {

using Step = ListenerFilter::Step;
using Verdict = ListenerFilter::Verdict;

class TlsInspectorPlan::Inspector final : public ListenerFilter {
 public:
  explicit Inspector(const TlsInspectorPlan& plan) : plan_(plan), reader_(plan.max_size_) {}

  Step onBytes(std::string_view bytes, Introduction& about) override {
    using State = codec::HelloReader::State;
    const State state = reader_.read(bytes);
    if (state == State::NeedMore) return {};
    plan_.bytes_processed_.record(reader_.seen());
    switch (state) {
      case State::Found:
        note(about.facts);
        return {Verdict::Done};
      case State::TooLarge:
        plan_.too_large_.add();
        return {Verdict::Close};
      default:
        plan_.tls_not_found_.add();
        return {plan_.close_on_error_ ? Verdict::Close : Verdict::Done};
    }
  }

 private:
  void note(transport::ConnectionFacts& facts) const {
    const codec::ClientHello& hello = reader_.hello();
    plan_.tls_found_.add();
    (hello.alpn.empty() ? plan_.alpn_not_found_ : plan_.alpn_found_).add();
    (hello.server_name.empty() ? plan_.sni_not_found_ : plan_.sni_found_).add();
    facts.transport_protocol = "tls";
    facts.server_name = hello.server_name;
    facts.application_protocols = hello.alpn;
  }

  const TlsInspectorPlan& plan_;
  codec::HelloReader reader_;
};

TlsInspectorPlan::TlsInspectorPlan(const StatScope& stats, size_t max_size, bool close_on_error)
    : max_size_(max_size),
      close_on_error_(close_on_error),
      too_large_(stats.counter("client_hello_too_large")),
      tls_found_(stats.counter("tls_found")),
      tls_not_found_(stats.counter("tls_not_found")),
      alpn_found_(stats.counter("alpn_found")),
      alpn_not_found_(stats.counter("alpn_not_found")),
      sni_found_(stats.counter("sni_found")),
      sni_not_found_(stats.counter("sni_not_found")),
      bytes_processed_(stats.histogram("bytes_processed", Histogram::Unit::Bytes)) {}

std::unique_ptr<ListenerFilter> TlsInspectorPlan::start() const {
  return std::make_unique<Inspector>(*this);
}

class HttpInspectorPlan::Inspector final : public ListenerFilter {
 public:
  explicit Inspector(const HttpInspectorPlan& plan) : plan_(plan) {}

  Step onBytes(std::string_view bytes, Introduction& about) override {
    if (about.facts.transport_protocol == "tls") return {Verdict::Done};
    switch (codec::classifyHttp(bytes)) {
      case codec::FirstLine::NeedMore:
        return {};
      case codec::FirstLine::Http10:
        return found(plan_.http10_found_, "http/1.0", about);
      case codec::FirstLine::Http11:
        return found(plan_.http11_found_, "http/1.1", about);
      case codec::FirstLine::Http2:
        return found(plan_.http2_found_, "h2c", about);
      case codec::FirstLine::NotHttp:
        break;
    }
    plan_.http_not_found_.add();
    return {Verdict::Done};
  }

 private:
  static Step found(const Counter& counter, const char* protocol, Introduction& about) {
    counter.add();
    about.facts.application_protocols = {protocol};
    return {Verdict::Done};
  }

  const HttpInspectorPlan& plan_;
};

HttpInspectorPlan::HttpInspectorPlan(const StatScope& stats)
    : http10_found_(stats.counter("http10_found")),
      http11_found_(stats.counter("http11_found")),
      http2_found_(stats.counter("http2_found")),
      http_not_found_(stats.counter("http_not_found")) {}

std::unique_ptr<ListenerFilter> HttpInspectorPlan::start() const {
  return std::make_unique<Inspector>(*this);
}

namespace {

class OriginalDst final : public ListenerFilter {
 public:
  Step onBytes(std::string_view, Introduction& about) override {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const bool v4 = about.local.family() == AF_INET;
    const int level = v4 ? SOL_IP : SOL_IPV6;
    if (!about.local.isUnix() &&
        ::getsockopt(about.fd, level, SO_ORIGINAL_DST, &storage, &size) == 0) {
      about.local = net::Address::from(reinterpret_cast<sockaddr*>(&storage), size);
    }
    return {Verdict::Done};
  }
};

}  // namespace

std::unique_ptr<ListenerFilter> OriginalDstPlan::start() const {
  return std::make_unique<OriginalDst>();
}

}  // namespace weir::listener
