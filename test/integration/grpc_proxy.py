"""The proxy in the middle of a gRPC suite: one bootstrap, run by Weir or, to see that the suite
itself is right, by the real Envoy."""

import contextlib
import pathlib
import socket
import sys
import tempfile
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

# pylint: disable=wrong-import-position
import bootstrap as bs
import certificates
import peers
import wheel
from weir_process import ProxyProcess, free_port, wait_for, weir_binary

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
GRPC_WEB = bs.http_filter("envoy.filters.http.grpc_web", "grpc_web.v3.GrpcWeb")
HTTP1 = {"explicit_http_config": {"http_protocol_options": {}}}
HTTP2 = {"explicit_http_config": {"http2_protocol_options": {}}}
AS_DOWNSTREAM = {"use_downstream_protocol_config": {"http_protocol_options": {},
                                                    "http2_protocol_options": {}}}
BOTH = ["h2", "http/1.1"]


def towards_clients(pair, client_authority=None):
    """A transport socket that shows `pair`; with an authority, only to clients it has signed."""
    common = {"alpn_protocols": BOTH}
    if client_authority:
        common["validation_context"] = certificates.trusting(client_authority)
    return certificates.downstream(pair, common=common,
                                   require_client_certificate=bool(client_authority))


def towards_origin(authority, pair=None):
    """A transport socket that believes `authority` that this is 127.0.0.1, and shows `pair`."""
    here = {"san_type": "IP_ADDRESS", "matcher": {"exact": "127.0.0.1"}}
    checked = certificates.trusting(authority, match_typed_subject_alt_names=[here])
    common = {"validation_context": checked}
    if pair:
        common["tls_certificates"] = [pair.shown()]
    return certificates.upstream(common=common)


def configuration(port, origin, protocol=HTTP2, filters=(), downstream=None, upstream=None):
    """Everything to `origin`, without a limit in time: suites have deadlines of their own.
    `downstream` and `upstream` are the transport sockets of the two sides, if not plain."""
    manager = bs.hcm([bs.route(action={"timeout": "0s"})], filters=filters,
                     stream_idle_timeout="0s")
    listener = bs.listener(port, manager)
    if downstream:
        listener["filter_chains"][0]["transport_socket"] = downstream
    options = {OPTIONS: {"@type": "type.googleapis.com/" + OPTIONS, **protocol}}
    cluster = bs.cluster(origin, typed_extension_protocol_options=options,
                         **({"transport_socket": upstream} if upstream else {}))
    return bs.bootstrap([listener], [cluster])


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Middle:
    """`name` is weir or envoy. Ends with stop(), which tells whether all was well until then."""

    def __init__(self, name, directory, origin, **options):
        self.port = free_port()
        binary = weir_binary() if name == "weir" else str(wheel.binary(*peers.ENVOY_WHEEL))
        arguments = [] if name == "weir" else ["--disable-hot-restart", "-l", "warning"]
        self.admin_port = free_port()
        config = configuration(self.port, origin, **options)
        config["admin"] = {"address": bs.address(self.admin_port)}
        self.process = ProxyProcess(binary, config, directory, arguments, name=name)
        wait_for(lambda: listens(self.port) or not self.process.alive(), "the proxy is not ready")
        assert self.process.alive(), self.process.output()[-2000:]

    def stop(self):
        return self.process.alive() and self.process.stop() == 0

    def output(self):
        return self.process.output()[-2000:]

    def state(self):
        """What it is busy with: where a request hangs, this tells on which side."""
        stats = f"http://127.0.0.1:{self.admin_port}/stats?usedonly&filter=cx_|rq_|flow_control|ssl"
        with urllib.request.urlopen(stats, timeout=5) as page:
            counted = page.read().decode()
        return "\n".join([f"port {self.port}", counted, *self.process.sockets()])


@contextlib.contextmanager
def between(name, origin, **options):
    """A proxy in front of the port `origin`: its port."""
    with tempfile.TemporaryDirectory(prefix="wg-") as directory:
        middle = Middle(name, directory, origin, **options)
        try:
            yield middle.port
        finally:
            well = middle.stop()
        assert well, f"the proxy did not end well:\n{middle.output()}"
