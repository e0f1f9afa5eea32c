"""The PROXY protocol: taken from proxies in front, written to those behind; with peers not ours."""

import contextlib
import shutil
import socket
import subprocess

import pytest

import bootstrap as bs
from raw_client import Client, request
from tcp_peers import how_it_ends
from weir_process import free_port, wait_for

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOG = ("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% "
       "%DYNAMIC_METADATA(envoy.filters.listener.proxy_protocol:vpce)%")


def v2(tlvs=b"", command=0x21, family=0x11,
       addresses=bytes([192, 0, 2, 7, 198, 51, 100, 1]) + (4711).to_bytes(2, "big") +
       (443).to_bytes(2, "big")):
    body = addresses + tlvs
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


def tlv(kind, value):
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


def proxy_filter(**fields):
    return bs.listener_filter("proxy_protocol.v3.ProxyProtocol", **fields)


def behind(place, chains=None, **fields):
    """A proxy that is told its clients' addresses; HTTP to an origin."""
    origin = place.server()
    place.weir(origin, log=LOG, listener={
        "listener_filters": [proxy_filter(**fields)],
        **({"filter_chains": chains} if chains else {})},
        hcm={"use_remote_address": True})
    return origin


@pytest.mark.parametrize("header, line", [
    (V1, "192.0.2.7:4711 198.51.100.1:443 -"),
    (v2(), "192.0.2.7:4711 198.51.100.1:443 -"),
    (v2(tlv(0xEA, b"vpce-1")), "192.0.2.7:4711 198.51.100.1:443 vpce-1"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n", "[2001:db8::7]:1 [2001:db8::1]:2 -"),
])
def test_addresses_are_those_of_the_header(place, header, line):
    rules = [{"tlv_type": 0xEA, "on_tlv_present": {"key": "vpce"}}]
    origin = behind(place, rules=rules)
    client = place.client()
    client.send(header + request())
    assert client.response().status == 200
    assert place.log.line() == line
    assert origin.requests[0].get("x-forwarded-for") == line.split(":" if "." in line else "]")[
        0].strip("[")


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2(command=0x20), v2(family=0)])
def test_a_proxy_that_speaks_for_itself(place, header):
    origin = behind(place)
    client = place.client()
    client.send(header + request())
    assert client.response().status == 200
    assert origin.requests[0].get("x-forwarded-for") == "127.0.0.1"


@pytest.mark.parametrize("header", [
    b"", b"PROXY TCP4 a b c d\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 99999 1\r\n",
    v2(command=0x11), v2(family=0x12), v2(b"\1\xff\xff"), b"PROXY " + b"x" * 200,
])
def test_no_header_or_a_bad_one_ends_it(place, header):
    origin = behind(place)
    client = place.client()
    client.send(header + request())
    assert how_it_ends(client.sock)[0] == b""
    assert not origin.requests


def test_it_may_be_missing_where_that_is_allowed(place):
    origin = behind(place, allow_requests_without_proxy_protocol=True)
    assert place.client().ask().status == 200
    client = place.client()
    client.send(V1 + request())
    assert client.response().status == 200
    assert [one.get("x-forwarded-for") for one in origin.requests] == ["127.0.0.1", "192.0.2.7"]


def test_in_single_bytes(place):
    behind(place)
    client = place.client()
    data = v2(tlv(1, b"h2")) + request()
    for i in range(len(data)):
        client.send(data[i:i + 1])
    assert client.response().status == 200


def test_chains_match_its_addresses(place):
    def says(text):
        return bs.network_filter("direct_response.v3.Config", response={"inline_string": text})

    near = {"source_prefix_ranges": [{"address_prefix": "192.0.2.0", "prefix_len": 24}],
            "destination_port": 443}
    port = free_port()
    place.start(bs.bootstrap([bs.listener(port, filter_chains=[
        bs.chain(says("near"), match=near), bs.chain(says("far"))],
        listener_filters=[proxy_filter()])], []))
    for header, chain in ((V1, b"near"), (b"PROXY UNKNOWN\r\n", b"far")):
        with Client(port) as client:
            client.send(header)
            assert how_it_ends(client.sock)[0] == chain


def upstream(version, inner=True, **config):
    sockets = bs.V3 + "extensions.transport_sockets."
    return {"transport_socket": {"name": "proxy", "typed_config": {
        "@type": sockets + "proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        "config": {"version": version, **config},
        **({"transport_socket": {"name": "raw", "typed_config": {
            "@type": sockets + "raw_buffer.v3.RawBuffer"}}} if inner else {})}}}


def relay_to(place, where, version, filters=(), **config):
    place.port = free_port()
    place.start(bs.bootstrap(
        [bs.listener(place.port, filter_chains=[bs.chain(bs.tcp_proxy())],
                     listener_filters=list(filters))],
        [bs.cluster(where, **upstream(version, **config))]))


def receive(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece, f"ended after {data!r}"
        data += piece
    return data


def test_it_is_written_before_anything_else(place):
    origin = place.origin()
    relay_to(place, origin.port, "V1")
    client = place.client()
    client.send(b"hello")
    port = client.sock.getsockname()[1]
    expected = f"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {place.port}\r\nhello".encode()
    assert receive(origin.accept().sock, len(expected)) == expected


def test_version_2_with_tlvs(place):
    origin = place.origin()
    relay_to(place, origin.port, "V2", filters=[proxy_filter(pass_through_tlvs={})],
             added_tlvs=[{"type": 0xF1, "value": "bWluZQ=="}],
             pass_through_tlvs={"match_type": "INCLUDE", "tlv_type": [0xEA]})
    client = place.client()
    client.send(v2(tlv(0xEA, b"theirs") + tlv(0xEB, b"not this")) + b"x")
    expected = v2(tlv(0xF1, b"mine") + tlv(0xEA, b"theirs")) + b"x"
    assert receive(origin.accept().sock, len(expected)) == expected


def test_http_does_not_reach_such_a_cluster(place):
    origin = place.origin()
    weir = place.weir(origin, cluster=upstream("V1"))
    assert "only TCP proxies" in weir.output()
    assert place.client().ask().status == 503
    assert origin.nobody_connects(0)


HAPROXY = """
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen sends
  bind 127.0.0.1:{sends}
  server weir 127.0.0.1:{weir} {option}
frontend accepts
  mode http
  bind 127.0.0.1:{accepts} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[dst_port]"
"""


@contextlib.contextmanager
def haproxy(place, option="send-proxy"):
    """HAProxy in front (`sends`, to `weir`) and behind (`accepts`)."""
    ports = {name: free_port() for name in ("sends", "weir", "accepts")}
    config = place.directory / "haproxy.cfg"
    config.write_text(HAPROXY.format(option=option, **ports))
    process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)

    def listens():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", ports["accepts"])).close()
            return True
        return False

    try:
        wait_for(listens, "HAProxy")
        yield ports
    finally:
        process.terminate()
        process.wait()


needs_haproxy = pytest.mark.skipif(not shutil.which("haproxy"), reason="no haproxy here")


@needs_haproxy
@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"])
def test_haproxy_in_front(place, option):
    with haproxy(place, option) as ports:
        origin = place.server()
        log = bs.file_log(place.log.path, "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS%")
        place.start(bs.bootstrap(
            [bs.listener(ports["weir"], bs.hcm(access_log=[log]),
                         listener_filters=[proxy_filter()])], [bs.cluster(origin.port)]))
        with Client(ports["sends"]) as client:
            assert client.ask().status == 200
            mine = "%s:%d" % client.sock.getsockname()
        assert place.log.line() == f"{mine} 127.0.0.1:{ports['sends']}"


@needs_haproxy
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_haproxy_behind(place, version):
    with haproxy(place) as ports:
        relay_to(place, ports["accepts"], version, filters=[proxy_filter()])
        client = place.client()
        client.send(V1 + request())
        assert client.response().body == b"192.0.2.7 443"


NGINX = """
pid {directory}/nginx.pid;
error_log {directory}/error.log;
daemon off;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{port} proxy_protocol;
    location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; }}
  }}
}}
"""


@pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx here")
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_nginx_behind(place, version):
    port = free_port()
    config = place.directory / "nginx.conf"
    config.write_text(NGINX.format(directory=place.directory, port=port))
    nginx = subprocess.Popen(["nginx", "-c", str(config), "-p", str(place.directory)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        return False

    try:
        wait_for(listens, "nginx")
        relay_to(place, port, version, filters=[proxy_filter()])
        client = place.client()
        client.send(V1 + request())
        assert client.response().body == b"192.0.2.7 443"
    finally:
        nginx.terminate()
        nginx.wait()
