#include "source/codec/http1/parse_error.h"

#include <array>

namespace weir::codec {
namespace {

struct Row {
  Fault fault;
  ParseError error;
};

constexpr std::array<Row, static_cast<size_t>(Fault::kCount)> kRows = {{
    {Fault::None, {0, ""}},
    {Fault::NotHttp, {400, "http1.not_http"}},
    {Fault::BareCr, {400, "http1.bare_cr"}},
    {Fault::BareLf, {400, "http1.bare_lf"}},
    {Fault::HeadersTooLarge, {431, "http1.headers_too_large"}},
    {Fault::UrlTooLong, {414, "http1.url_too_long"}},
    {Fault::InvalidMethod, {400, "http1.invalid_method"}},
    {Fault::InvalidUrl, {400, "http1.invalid_url"}},
    {Fault::FragmentInUrl, {400, "http1.fragment_in_url"}},
    {Fault::InvalidScheme, {400, "http1.invalid_scheme"}},
    {Fault::MissingVersion, {400, "http1.missing_version"}},
    {Fault::InvalidVersion, {400, "http1.invalid_version"}},
    {Fault::UnsupportedVersion, {505, "http1.version_not_supported"}},
    {Fault::InvalidStatusLine, {400, "http1.invalid_status_line"}},
    {Fault::ObsFold, {400, "http1.obs_fold"}},
    {Fault::MissingColon, {400, "http1.missing_colon"}},
    {Fault::SpaceBeforeColon, {400, "http1.space_before_colon"}},
    {Fault::InvalidHeaderName, {400, "http1.invalid_header_name"}},
    {Fault::InvalidHeaderValue, {400, "http1.invalid_characters"}},
    {Fault::HeaderNameTooLong, {431, "http1.header_name_too_long"}},
    {Fault::TooManyHeaders, {431, "http1.too_many_headers"}},
    {Fault::InvalidHeadEnd, {400, "http1.invalid_head_end"}},
    {Fault::MissingHost, {400, "http1.missing_host"}},
    {Fault::DuplicateHost, {400, "http1.duplicate_host"}},
    {Fault::InvalidHost, {400, "http1.invalid_host"}},
    {Fault::InvalidContentLength, {400, "http1.invalid_content_length"}},
    {Fault::DuplicateContentLength, {400, "http1.duplicate_content_length"}},
    {Fault::ContentLengthAndTransferEncoding,
     {400, "http1.content_length_and_chunked_not_allowed"}},
    {Fault::TransferEncodingInHttp10, {400, "http1.transfer_encoding_in_http10"}},
    {Fault::InvalidTransferEncoding, {400, "http1.invalid_transfer_encoding"}},
    {Fault::ChunkedNotLast, {400, "http1.chunked_not_last"}},
    {Fault::UnsupportedTransferCoding, {501, "http1.transfer_coding_not_supported"}},
    {Fault::TransferEncodingNotAllowed, {400, "http1.transfer_encoding_not_allowed"}},
    {Fault::ContentLengthNotAllowed, {400, "http1.content_length_not_allowed"}},
    {Fault::BodyDisallowed, {400, "http1.body_disallowed"}},
    {Fault::ExpectationFailed, {417, "http1.expectation_failed"}},
    {Fault::ConnectionHeaderRejected, {400, "http1.connection_header_rejected"}},
    {Fault::InvalidChunkSize, {400, "http1.invalid_chunk_size"}},
    {Fault::ChunkSizeTooLarge, {400, "http1.chunk_size_too_large"}},
    {Fault::InvalidChunkExtension, {400, "http1.invalid_chunk_extension"}},
    {Fault::ChunkExtensionsTooLarge, {400, "http1.chunk_extensions_too_large"}},
    {Fault::InvalidChunkEnd, {400, "http1.invalid_chunk_end"}},
    {Fault::TrailersTooLarge, {431, "http1.trailers_too_large"}},
    {Fault::ForbiddenTrailer, {400, "http1.forbidden_trailer"}},
    {Fault::TruncatedBody, {400, "http1.truncated_body"}},
}};

constexpr bool rowsAreInOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].fault) != i) return false;
  }
  return true;
}
static_assert(rowsAreInOrder());

}  // namespace

ParseError errorOf(Fault fault, MessageType type) {
  ParseError error = kRows[static_cast<size_t>(fault)].error;
  if (error && type == MessageType::Response) error.status = 502;
  return error;
}

}  // namespace weir::codec
