// Any bytes as the beginning of a connection behind a proxy. Byte 0 is how they arrive.
#include "source/codec/opening/proxy_header.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

using codec::ProxyParse;
using Kind = ProxyParse::Kind;

bool isSame(const codec::ProxyEnd& a, const codec::ProxyEnd& b) {
  return a.ip == b.ip && a.port == b.port && a.path == b.path;
}

void run(std::string_view bytes, uint8_t pattern) {
  const ProxyParse whole = codec::parseProxyHeader(bytes);
  for (const size_t end : pieceEnds(pattern, bytes.size())) {
    const ProxyParse part = codec::parseProxyHeader(bytes.substr(0, end));
    if (part.kind == Kind::NeedMore) continue;
    require(part.kind == whole.kind && part.size == whole.size, "the same in pieces");
    break;
  }
  if (whole.kind == Kind::Bad) require(!whole.why.empty() && whole.version != 0, "says why");
  if (whole.kind != Kind::Found) return;
  require(whole.size <= bytes.size(), "no more than there is");

  size_t tlvs = 0;
  for (std::string_view rest = whole.header.tlvs; !rest.empty();) {
    tlvs += 3 + codec::takeProxyTlv(rest).value.size();
  }
  require(tlvs == whole.header.tlvs.size(), "TLVs fill their place");

  std::string written;
  codec::appendProxyHeader(written, whole.header);
  const ProxyParse again = codec::parseProxyHeader(written);
  require(again.kind == Kind::Found && again.size == written.size(), "what is written is read");
  require(again.header.local == whole.header.local, "the same command");
  if (whole.header.local) return;
  require(again.header.family == whole.header.family, "the same family");
  require(isSame(again.header.source, whole.header.source), "the same source");
  require(isSame(again.header.destination, whole.header.destination), "the same destination");
  require(again.header.tlvs == whole.header.tlvs, "the same TLVs");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  return 0;
}
