// What the process says of itself: state, version, listeners, memory, decisions.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "envoy/admin/v3/certs.pb.h"
#include "envoy/admin/v3/init_dump.pb.h"
#include "envoy/admin/v3/listeners.pb.h"
#include "envoy/admin/v3/memory.pb.h"
#include "source/admin/handlers.h"
#include "source/admin/json.h"
#include "source/admin/proto_address.h"
#include "source/admin/redact.h"

namespace weir::admin {
namespace {

namespace pb = envoy::admin::v3;

constexpr size_t kDecisions = 20;
constexpr size_t kMostDecisions = 10'000;

// Resident pages are the second number (proc(5)).
uint64_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Response ready(const Request& request, AdminSource& source) {
  const pb::ServerInfo::State state = source.state();
  const uint16_t status = state == pb::ServerInfo::LIVE ? 200 : 503;
  std::string body = pb::ServerInfo::State_Name(state) + "\n";
  if (request.has("verbose")) {
    for (const std::string& line : source.staleness()) body += "stale: " + line + "\n";
    for (const Unready& unready : source.unready()) body += "waits: " + unready.name + "\n";
  }
  return {.status = status, .body = std::move(body)};
}

Response live(const Request&, AdminSource&) { return ok(); }

Response serverInfo(const Request&, AdminSource& source) {
  pb::ServerInfo info;
  info.set_version(source.version());
  info.set_state(source.state());
  info.mutable_uptime_current_epoch()->set_seconds(source.uptime().count());
  info.mutable_uptime_all_epochs()->set_seconds(source.uptime().count());
  info.set_hot_restart_version("disabled");
  *info.mutable_command_line_options() = source.commandLine();
  *info.mutable_node() = source.bootstrap()->node();
  if (info.node().user_agent_name().empty()) info.mutable_node()->set_user_agent_name("weir");
  redact(info);
  return jsonResponse(info, Defaults::Print);
}

Response listeners(const Request& request, AdminSource& source) {
  pb::Listeners proto;
  std::string text;
  for (const ListenerView& listener : source.listeners()) {
    pb::ListenerStatus& status = *proto.add_listener_statuses();
    status.set_name(listener.name);
    writeAddress(listener.address, *status.mutable_local_address());
    text += listener.name + "::" + listener.address.text() + "\n";
  }
  return request.get("format") == "json" ? jsonResponse(proto) : Response{.body = std::move(text)};
}

void describe(const CertificateView& view, pb::CertificateDetails& to) {
  using std::chrono::system_clock;
  const CertificateFacts& facts = *view.facts;
  to.set_path(view.path);
  to.set_serial_number(facts.serial);
  for (const std::string& name : facts.dns) to.add_subject_alt_names()->set_dns(name);
  for (const std::string& name : facts.uri) to.add_subject_alt_names()->set_uri(name);
  for (const std::string& name : facts.ip) to.add_subject_alt_names()->set_ip_address(name);
  const auto left =
      std::chrono::floor<std::chrono::days>(facts.valid_until - system_clock::now()).count();
  to.set_days_until_expiration(left < 0 ? 0 : static_cast<uint64_t>(left));
  to.mutable_valid_from()->set_seconds(system_clock::to_time_t(facts.valid_from));
  to.mutable_expiration_time()->set_seconds(system_clock::to_time_t(facts.valid_until));
}

Response certificates(const Request&, AdminSource& source) {
  pb::Certificates all;
  for (const TlsView& view : source.certificates()) {
    pb::Certificate& one = *all.add_certificates();
    for (const CertificateView& authority : view.authorities)
      describe(authority, *one.add_ca_cert());
    for (const CertificateView& shown : view.chain) describe(shown, *one.add_cert_chain());
  }
  return jsonResponse(all, Defaults::Print);
}

Response memory(const Request&, AdminSource&) {
  const struct mallinfo2 info = ::mallinfo2();
  pb::Memory memory;
  memory.set_allocated(info.uordblks + info.hblkhd);
  memory.set_heap_size(info.arena + info.hblkhd);
  memory.set_pageheap_free(info.fordblks);
  memory.set_total_physical_bytes(residentBytes());
  return jsonResponse(memory, Defaults::Print);
}

Response initDump(const Request& request, AdminSource& source) {
  const std::string_view mask = request.get("mask");
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), ::tolower);
    return text;
  };
  pb::UnreadyTargetsDumps dumps;
  for (const Unready& unready : source.unready()) {
    if (lower(unready.name).find(lower(std::string(mask))) == std::string::npos) continue;
    auto& dump = *dumps.add_unready_targets_dumps();
    dump.set_name(unready.name);
    for (const std::string& target : unready.targets) dump.add_target_names(target);
  }
  return jsonResponse(dumps);
}

Response hotRestartVersion(const Request&, AdminSource&) { return {.body = "disabled"}; }

Response decisions(const Request& request, AdminSource& source) {
  size_t count = kDecisions;
  if (request.has("n")) {
    const std::string_view text = request.get("n");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) {
      return refused(400, "usage: /decisions?n=<count>\n");
    }
  }
  std::string body = "{\"decisions\":[";
  const char* separator = "\n";
  for (const std::string& record : source.decisions(std::min(count, kMostDecisions))) {
    body.append(std::exchange(separator, ",\n")).append(record);
  }
  return {.content_type = kJson, .body = body + "\n]}\n"};
}

}  // namespace weir::admin
