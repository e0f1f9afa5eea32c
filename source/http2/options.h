// Options are what an Http2ProtocolOptions message says about the HTTP/2 connections of a listener
// or a cluster, checked once; the defaults are Envoy's advice for the edge. Immutable when read;
// outlive every connection made with them.
#pragma once

#include "envoy/config/core/v3/protocol.pb.h"
#include "source/codec/http2/options.h"
#include "source/http2/keepalive.h"
#include "weir/report.h"

namespace weir::http2 {

using OptionsProto = envoy::config::core::v3::Http2ProtocolOptions;

struct Options {
  codec::Http2Options codec;
  Keepalive::Options keepalive;
  uint32_t resets_per_second = 33;  // forgiven to a client, up to codec.max_resets
};

enum class Role : uint8_t { Server, Client };

// What holds without a word in the configuration. A client's connection window has room for every
// stream's, so that responses nobody reads yet never hold up the others of a connection.
Options defaultOptions(Role role);

// Reports what contradicts itself or cannot be done.
void readOptions(const OptionsProto& proto, Role role, Options& into, const Where& at);

}  // namespace weir::http2
