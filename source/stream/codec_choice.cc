#include "source/stream/codec_choice.h"

#include <algorithm>

#include "source/codec/http2/frame.h"
#include "source/stream/http1_server.h"
#include "source/stream/http2_server.h"

namespace weir::stream {

CodecChoice chooseCodec(CodecType type, std::string_view alpn, std::string_view first) {
  if (type == CodecType::Http1) return CodecChoice::Http1;
  if (type == CodecType::Http2 || alpn == "h2") return CodecChoice::Http2;
  if (!alpn.empty()) return CodecChoice::Http1;
  const size_t known = std::min(first.size(), codec::kClientPreface.size());
  if (first.substr(0, known) != codec::kClientPreface.substr(0, known)) return CodecChoice::Http1;
  return known == codec::kClientPreface.size() ? CodecChoice::Http2 : CodecChoice::MoreBytes;
}

transport::ServerConnection& serveHttp(Services& services, std::shared_ptr<const Hcm> hcm,
                                       transport::ServerConnections& connections,
                                       transport::ConnectionPtr connection,
                                       const transport::Accepted& accepted, std::string_view alpn) {
  const HcmPlan& plan = *hcm->plan();
  plan.stats.cx_total.add();
  plan.stats.cx_active.add();
  if (chooseCodec(plan.codec, alpn, {}) == CodecChoice::Http2) {
    return *new Http2Server(
        services, std::move(hcm), connections, std::move(connection),
        {accepted.id, accepted.at, PeerTexts(accepted.remote, accepted.local), accepted.facts});
  }
  return *new Http1Server(services, std::move(hcm), connections, std::move(connection), accepted);
}

}  // namespace weir::stream
