"""Which filter chain serves a connection, what looks at its first bytes, and how many there may be."""

import socket
import ssl

import pytest

import bootstrap as bs
from conftest import needs_ipv6
from raw_client import Client, request
from tcp_peers import how_it_ends
from test_stats import stats_of
from weir_process import free_port, wait_for

TLS_INSPECTOR = bs.listener_filter("tls_inspector.v3.TlsInspector")
HTTP_INSPECTOR = bs.listener_filter("http_inspector.v3.HttpInspector")


def says(text):
    """A network filter that tells which chain it stands in."""
    return bs.network_filter("direct_response.v3.Config", response={"inline_string": text})


def start(place, chains, ready=True, clusters=(), resources=None, **fields):
    place.port = free_port()
    listener = bs.listener(place.port, **fields)
    listener["filter_chains"] = chains
    return place.start(bs.bootstrap([listener], clusters, **(resources or {})), ready=ready)


def answer(port, data=b"", **options):
    with Client(port, **options) as client:
        if data:
            client.send(data)
        return how_it_ends(client.sock)[0].decode()


def hello(name=None, alpn=()):
    """The bytes of a ClientHello, made by a TLS library."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.fixture(name="named", scope="module")
def fixture_named(shared_place):
    """A listener that chooses by everything the ClientHello tells."""
    start(shared_place, [
        bs.chain(says("exact"), match={"server_names": ["www.example.com"]}),
        bs.chain(says("wildcard"), match={"server_names": ["*.example.com"]}),
        bs.chain(says("h2"), match={"transport_protocol": "tls", "application_protocols": ["h2"]}),
        bs.chain(says("tls"), match={"transport_protocol": "tls"}),
        bs.chain(says("http2"), match={"application_protocols": ["h2c"]}),
        bs.chain(says("http"), match={"application_protocols": ["http/1.1"]}),
    ], listener_filters=[TLS_INSPECTOR, HTTP_INSPECTOR],
          default_filter_chain=bs.chain(says("default")))
    return shared_place.port


@pytest.mark.parametrize("data, chain", [
    (hello("www.example.com"), "exact"),
    (hello("WWW.EXAMPLE.COM"), "exact"),
    (hello("a.b.example.com"), "wildcard"),
    (hello("example.com", ["http/1.1", "h2"]), "h2"),
    (hello("example.com"), "tls"),
    (hello(), "tls"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"),
    (request(), "http"),
    (b"QUIT\r\n", "default"),
])
def test_chains_by_what_comes_first(named, data, chain):
    assert answer(named, data) == chain


def test_a_hello_in_single_bytes(named):
    with Client(named) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = hello("www.example.com")
        for i in range(len(data)):
            client.send(data[i:i + 1])
        assert how_it_ends(client.sock)[0] == b"exact"


def test_what_was_looked_at_is_served(place):
    """The bytes that inspectors looked at are the first that the chain's server reads."""
    origin = place.server()
    start(place, [bs.chain(bs.hcm(), match={"application_protocols": ["http/1.1"]})],
          clusters=[bs.cluster(origin.port)], listener_filters=[HTTP_INSPECTOR])
    client = place.client()
    client.send(request(path="/first") + request(path="/second"))
    assert [client.response().status, client.response().status] == [200, 200]
    assert [one.target for one in origin.requests] == ["/first", "/second"]


def test_tls_passes_through_by_name(place):
    """The usual use: no certificate here, bytes go on as they came."""
    origin = place.origin()
    start(place, [bs.chain(bs.tcp_proxy(), match={"server_names": ["a.example.com"]})],
          clusters=[bs.cluster(origin.port)], listener_filters=[TLS_INSPECTOR])
    client, data = place.client(), hello("a.example.com")
    client.send(data)
    server = origin.accept()
    received = b""
    while len(received) < len(data):
        received += server.sock.recv(65536)
    assert received == data


def test_the_inspector_is_added_where_chains_need_it(place):
    weir = start(place, [bs.chain(says("a"), match={"server_names": ["a.com"]}),
                         bs.chain(says("other"))])
    assert "tls_inspector is added" in weir.output()
    assert answer(place.port, hello("a.com")) == "a"
    assert answer(place.port, b"plain text") == "other"


def test_nobody_wants_it(place):
    admin = free_port()
    start(place, [bs.chain(says("a"), match={"source_ports": [1]})],
          resources={"admin": {"address": bs.address(admin)}})
    assert answer(place.port) == ""
    stats = stats_of(admin)
    name = f"listener.127.0.0.1_{place.port}."
    assert stats[name + "no_filter_chain_match"] == "1"
    assert stats[name + "downstream_cx_total"] == "0"


def test_several_addresses(place):
    more = [free_port() for _ in range(2)]
    place.port = free_port()
    chains = [bs.chain(says("first"), match={"destination_port": place.port}),
              bs.chain(says("second"), match={"destination_port": more[0]}),
              bs.chain(says("any"))]
    listener = bs.listener(place.port, filter_chains=chains, additional_addresses=[
        {"address": bs.address(port)} for port in more])
    place.start(bs.bootstrap([listener], []))
    assert [answer(port) for port in (place.port, *more)] == ["first", "second", "any"]


@needs_ipv6
def test_destination_address_of_a_wildcard_listener(place):
    port = free_port()
    listener = bs.listener(("::", port), filter_chains=[
        bs.chain(says("v4"), match={"prefix_ranges": [
            {"address_prefix": "127.0.0.0", "prefix_len": 8}]}),
        bs.chain(says("v6"), match={"prefix_ranges": [
            {"address_prefix": "::1", "prefix_len": 128}]})])
    listener["address"]["socket_address"]["ipv4_compat"] = True
    place.start(bs.bootstrap([listener], []))
    assert answer(port) == "v4"
    assert answer(port, family=socket.AF_INET6) == "v6"


def test_who_says_nothing_is_sent_away(place):
    admin = free_port()
    start(place, [bs.chain(says("a"))], listener_filters=[TLS_INSPECTOR],
          listener_filters_timeout="0.2s", resources={"admin": {"address": bs.address(admin)}})
    with Client(place.port) as silent:
        name = f"listener.127.0.0.1_{place.port}."
        wait_for(lambda: stats_of(admin)[name + "downstream_pre_cx_active"] == "1", "counted")
        assert how_it_ends(silent.sock)[0] == b""
    stats = stats_of(admin)
    assert stats[name + "downstream_pre_cx_timeout"] == "1"
    assert stats[name + "downstream_pre_cx_active"] == "0"


def test_who_says_too_little_may_be_served_all_the_same(place):
    admin = free_port()
    origin = place.server()
    start(place, [bs.chain(bs.hcm())], clusters=[bs.cluster(origin.port)],
          listener_filters=[TLS_INSPECTOR, HTTP_INSPECTOR], listener_filters_timeout="0.2s",
          continue_on_listener_filters_timeout=True,
          resources={"admin": {"address": bs.address(admin)}})
    client = place.client()
    client.send(b"GET /late HT")
    timeouts = f"listener.127.0.0.1_{place.port}.downstream_pre_cx_timeout"
    wait_for(lambda: stats_of(admin)[timeouts] == "1", "the timeout")
    client.send(b"TP/1.1\r\nhost: a\r\n\r\n")
    assert client.response().status == 200
    assert origin.requests[0].target == "/late"


def test_a_filter_may_be_switched_off_for_a_port(place):
    port = free_port()
    inspector = {**TLS_INSPECTOR, "filter_disabled": {
        "destination_port_range": {"start": port, "end": port + 1}}}
    chains = [bs.chain(says("tls"), match={"transport_protocol": "tls"}), bs.chain(says("raw"))]
    place.start(bs.bootstrap([bs.listener(port, filter_chains=chains,
                                          listener_filters=[inspector])], []))
    assert answer(port, hello("a.com")) == "raw"


def test_connections_of_a_listener_are_limited(place):
    admin = free_port()
    place.port = free_port()
    origin = place.origin()
    listener = bs.listener(place.port, filter_chains=[bs.chain(bs.tcp_proxy())], name="few")
    place.start(bs.bootstrap([listener], [bs.cluster(origin.port)],
                             admin={"address": bs.address(admin)},
                             layered_runtime={"layers": [{"name": "static", "static_layer": {
                                 "envoy.resource_limits.listener.few.connection_limit": 2}}]}))
    clients = [place.client() for _ in range(2)]
    servers = [origin.accept() for _ in range(2)]
    assert answer(place.port) == ""
    assert stats_of(admin)[f"listener.127.0.0.1_{place.port}.downstream_cx_overflow"] == "1"
    for end in clients + servers:
        end.close()

    def served():
        with Client(place.port) as client:
            client.sock.settimeout(0.5)
            try:
                return client.sock.recv(1) != b""
            except TimeoutError:
                return True

    wait_for(served, "room for another")


def test_connections_of_all_listeners_are_limited(place):
    ports = [free_port() for _ in range(2)]
    admin = free_port()
    origin = place.origin()
    monitor = {"name": "envoy.resource_monitors.global_downstream_max_connections",
               "typed_config": {
                   "@type": bs.V3 + "extensions.resource_monitors.downstream_connections.v3."
                                    "DownstreamConnectionsConfig",
                   "max_active_downstream_connections": 1}}
    listeners = [bs.listener(port, filter_chains=[bs.chain(bs.tcp_proxy())]) for port in ports]
    place.start(bs.bootstrap(listeners, [bs.cluster(origin.port)],
                             overload_manager={"resource_monitors": [monitor]},
                             admin={"address": bs.address(admin)}))
    first = place.client(ports[0])
    origin.accept()
    assert answer(ports[1]) == ""
    stats = stats_of(admin)  # the admin interface is not among them
    assert stats[f"listener.127.0.0.1_{ports[1]}.downstream_global_cx_overflow"] == "1"
    first.close()


def test_socket_options(place):
    """Accepted sockets inherit them: the kernel tells what it was asked for."""
    buffer = {"level": socket.SOL_SOCKET, "name": socket.SO_RCVBUF, "int_value": 4096}
    start(place, [bs.chain(says("here"))], socket_options=[buffer],
          tcp_keepalive={"keepalive_time": 60, "keepalive_probes": 3, "keepalive_interval": 5},
          tcp_fast_open_queue_length=16, freebind=True,
          max_connections_to_accept_per_socket_event=1)
    assert answer(place.port) == "here"


def test_a_socket_option_that_does_not_exist_is_said(place):
    option = {"description": "nonsense", "level": 6, "name": 9999, "int_value": 1}
    weir = start(place, [bs.chain(says("a"))], socket_options=[option], ready=False)
    assert weir.wait() == 1
    assert "nonsense" in weir.output()


def test_network_filters_decide_first(place):
    """In order: what the first lets pass, the second may refuse."""
    origin = place.origin()
    limit = bs.network_filter("connection_limit.v3.ConnectionLimit", stat_prefix="limit",
                              max_connections=1)
    deny = bs.network_filter("rbac.v3.RBAC", stat_prefix="who", rules={
        "action": "DENY", "policies": {"no-loopback-6": {
            "permissions": [{"any": True}],
            "principals": [{"direct_remote_ip": {"address_prefix": "::1", "prefix_len": 128}}]}}})
    start(place, [bs.chain(deny, limit, bs.tcp_proxy())], clusters=[bs.cluster(origin.port)])
    first = place.client()
    server = origin.accept()
    assert answer(place.port) == ""  # one too many
    server.send(b"still here")
    assert first.sock.recv(99) == b"still here"
    first.close()
    server.close()

    def again():
        with Client(place.port) as client:
            client.sock.settimeout(0.3)
            try:
                return client.sock.recv(1) != b""
            except TimeoutError:
                return True

    wait_for(again, "the first one's place")


def test_who_is_denied_is_logged(place):
    deny = bs.network_filter("rbac.v3.RBAC", stat_prefix="who", rules={
        "action": "DENY", "policies": {"everybody": {
            "permissions": [{"any": True}], "principals": [{"any": True}]}}})
    log = bs.file_log(place.log.path, "%CONNECTION_TERMINATION_DETAILS%")
    start(place, [bs.chain(deny, bs.tcp_proxy(access_log=[log]))], clusters=[bs.cluster(9)])
    assert answer(place.port, b"let me in") == ""
    assert place.log.line() == "rbac_access_denied_matched_policy[everybody]"


@pytest.mark.parametrize("fields, said", [
    ({"chains": [bs.chain(says("a")), bs.chain(says("b"))]}, "filter_chains[0]"),
    ({"chains": [bs.chain(says("a"), name="one"), bs.chain(says("b"))]}, "'one'"),
    ({"chains": [bs.chain(says("a"), match={"address_suffix": "1"})]}, "address_suffix"),
    ({"chains": [bs.chain(bs.tcp_proxy(), says("a"))]}, "must be the last filter"),
    ({"chains": [bs.chain(bs.network_filter("connection_limit.v3.ConnectionLimit",
                                            stat_prefix="a", max_connections=1))]},
     "the last filter must serve"),
    ({"chains": [bs.chain()]}, "at least one network filter"),
    ({"chains": []}, "at least one filter chain"),
    ({"chains": [bs.chain(says("a"))], "bind_to_port": False}, "bind_to_port"),
    ({"chains": [bs.chain(says("a"))], "use_original_dst": True}, "use_original_dst"),
    ({"chains": [bs.chain(says("a"))], "filter_chain_matcher": {}}, "filter_chain_matcher"),
    ({"chains": [bs.chain(says("a"))],
      "listener_filters": [bs.network_filter("rbac.v3.RBAC")]}, "no listener filter"),
])
def test_what_is_refused(place, fields, said):
    weir = start(place, fields.pop("chains"), ready=False, **fields)
    assert weir.wait() == 1
    assert said in weir.output()
