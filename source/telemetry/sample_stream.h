// A finished request with every member set to something recognisable: for tests and measurements.
#pragma once

#include "weir/arena.h"
#include "weir/stream_info.h"

namespace weir::telemetry {

struct SampleStream {
  SampleStream() : request(arena), response(arena), trailers(arena) {
    using std::chrono::microseconds;
    request.setMethod("GET");
    request.path = "/api/v1?a=1&b=%20x";
    request.authority = "example.com";
    request.scheme = "http";
    request.fields.add(HeaderId::UserAgent, "curl/8.0");
    request.fields.add(HeaderId::XForwardedFor, "10.1.2.3");
    request.fields.add(HeaderId::XRequestId, "2fd5b3c1-94fa-41fd-ad85-f277d1e3778c");
    request.fields.add("x-twice", "first");
    request.fields.add("x-twice", "second");
    response.status = 200;
    response.fields.add(HeaderId::XEnvoyUpstreamServiceTime, "17");
    response.fields.add(HeaderId::ContentType, "text/plain");
    trailers.add("x-checksum", "abc");

    info.start_wall = WallTime(std::chrono::nanoseconds(1'460'751'420'310'042'007));
    info.start = SteadyTime(std::chrono::seconds(100));
    info.last_downstream_rx = info.start + microseconds(1'500);
    info.first_upstream_tx = info.start + microseconds(2'000);
    info.last_upstream_tx = info.start + microseconds(3'000);
    info.first_upstream_rx = info.start + microseconds(20'250);
    info.last_upstream_rx = info.start + microseconds(21'000);
    info.first_downstream_tx = info.start + microseconds(20'400);
    info.last_downstream_tx = info.start + microseconds(25'900);
    info.end = info.start + microseconds(26'100);
    info.bytes_received = 154;
    info.bytes_sent = 1024;
    info.downstream = {500, 1300, 320, 250};
    info.upstream = {1200, 540, 240, 360};
    info.response_code = 200;
    info.details = "via_upstream";
    info.connection_id = 7;
    info.stream_id = 99;
    info.request_id = "2fd5b3c1-94fa-41fd-ad85-f277d1e3778c";
    info.remote = {"10.1.2.3:0", "10.1.2.3", 0, false};
    info.direct_remote = {"[2001:db8::1]:4711", "2001:db8::1", 4711, false};
    info.local = {"127.0.0.1:8080", "127.0.0.1", 8080, true};
    info.route_name = "api";
    info.virtual_host = "main";
    info.cluster = "backend";
    info.upstream_host = "10.0.0.1:443";
    info.upstream_local = "10.0.0.9:40000";
    info.upstream_hosts_attempted = "10.0.0.2:443,10.0.0.1:443";
    info.upstream_names_attempted = "b.example:443,a.example:443";
    info.attempts = 2;
    info.request = &request;
    info.response = &response;
    info.response_trailers = &trailers;
  }

  ChunkPool pool;
  Arena arena{pool};
  RequestHead request;
  ResponseHead response;
  Fields trailers;
  StreamInfo info;
};

}  // namespace weir::telemetry
