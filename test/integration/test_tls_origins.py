"""TLS towards origins: whom Weir trusts, what it shows, what it says when it refuses."""

import contextlib
import ssl
import threading

import pytest

import bootstrap as bs
from certificates import Authority, trusting, upstream
from origin import answer
from tls_tools import BIG, ask_plain, plain_in_front, stat, tls_origin, with_admin
from weir_process import free_port, wait_for


def test_origins_behind_tls(place, ca):
    origin = tls_origin(place, ca.sign("origin", "DNS:origin.example"))
    plain_in_front(place, origin, upstream(ca, sni="origin.example", auto_sni_san_validation=True),
                   log="%UPSTREAM_TLS_VERSION% %UPSTREAM_PEER_SUBJECT% %UPSTREAM_SERVER_NAME%")
    assert ask_plain(place).body == b"secret"
    assert origin.names == ["origin.example"]
    assert place.log.line() == "TLSv1.3 CN=origin origin.example"


def test_large_bodies_to_origins(place, ca):
    origin = tls_origin(place, ca.sign("origin"), reply=lambda seen: answer(body=seen.body))
    plain_in_front(place, origin, upstream(ca))
    client = place.client()
    for _ in range(3):
        assert client.ask("POST", body=BIG).body == BIG
    assert origin.connections == 1


@pytest.mark.parametrize("why", ["unknown authority", "wrong name", "expired", "no TLS"])
def test_origins_that_are_not_trusted(place, ca, why):
    """503, flag UF, and the reason in the details."""
    strangers = Authority(place.directory, "strangers")
    reasons = {
        "unknown authority": (strangers.sign("a"), "unable_to_get_local_issuer_certificate"),
        "wrong name": (ca.sign("b", "DNS:other.example"), "no_name_of_the_certificate_is_wanted"),
        "expired": (ca.sign("c", days=-1), "certificate_has_expired"),
        "no TLS": (None, "TLS_error:_"),
    }
    pair, reason = reasons[why]
    origin = tls_origin(place, pair) if pair else place.origin()
    if not pair:
        threading.Thread(target=lambda: origin.accept().send(b"HTTP/1.1 400 Bad\r\n\r\n"),
                         daemon=True).start()
    plain_in_front(place, origin, upstream(ca, common={"validation_context": trusting(
        ca, match_typed_subject_alt_names=[
            {"san_type": "DNS", "matcher": {"exact": "localhost"}}])}),
        log=bs.LOG_LINE + " %UPSTREAM_TRANSPORT_FAILURE_REASON%")
    seen = ask_plain(place)
    assert seen.status == 503
    assert b"transport failure reason: TLS_error: " in seen.body
    line = place.log.line()
    assert " UF upstream_reset_before_response_started{remote_connection_failure|TLS_error:" in line
    assert reason in line, line


def test_a_certificate_is_shown_to_origins(place, ca):
    origin = tls_origin(place, ca.sign("origin"), ca=ca)
    mine = ca.sign("mine")
    plain_in_front(place, origin, upstream(ca, common={"tls_certificates": [mine.shown()]}))
    assert ask_plain(place).body == b"secret"
    assert dict(part[0] for part in origin.accepted[0].sock.getpeercert()["subject"]) == {
        "commonName": "mine"}


def test_a_response_that_was_cut_off_is_told_from_a_whole_one(place, ca):
    """A body that ends with the connection needs close_notify, or anybody could shorten it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = ca.sign("origin")
    context.load_cert_chain(pair.crt, pair.key)
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf"

    def serve_once(polite):
        sock = context.wrap_socket(origin.sock.accept()[0], server_side=True)
        sock.recv(4096)
        sock.sendall(head)
        if polite:
            with contextlib.suppress(OSError):
                sock.unwrap()
        sock.close()

    origin = place.origin()
    plain_in_front(place, origin, upstream(ca))
    for polite in (True, False):
        thread = threading.Thread(target=serve_once, args=[polite])
        thread.start()
        response = ask_plain(place)
        assert response.complete == polite
        thread.join()


def test_sessions_with_origins_are_resumed(place, ca):
    admin = with_admin(place)
    origin = tls_origin(place, ca.sign("origin"),
                        reply=b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
    plain_in_front(place, origin, upstream(ca), more=admin)
    for _ in range(3):
        assert ask_plain(place).status == 200
    wait_for(lambda: stat(place, "origin.ssl.handshake") == 3, "three handshakes")
    assert stat(place, "origin.ssl.session_reused") == 2


def host_names(**options):
    return {"cluster": {"upstream_http_protocol_options": options}}


def test_the_request_names_the_server(place, ca):
    """auto_sni and auto_san_validation: one connection for each name, and only where it is good."""
    origin = tls_origin(place, ca.sign("origin", "DNS:one.example,DNS:two.example"))
    plain_in_front(place, origin, upstream(ca, sni="fixed.example"), log="%RESPONSE_CODE_DETAILS%",
                   **host_names(auto_sni=True, auto_san_validation=True))
    client = place.client()
    for host in ("one.example", "Two.Example:8443", "one.example:80"):
        assert client.ask(host=host).status == 200
    assert origin.names == ["one.example", "two.example"]
    for _ in range(2):  # nor by resuming what was verified for another name
        assert client.ask(host="three.example").status == 503
    assert "no_name_of_the_certificate_is_wanted" in place.log.lines(4)[3]


def test_a_field_of_the_request_names_the_server(place, ca):
    origin = tls_origin(place, ca.sign("origin"))
    plain_in_front(place, origin, upstream(ca), **host_names(
        auto_sni=True, override_auto_sni_header="X-Server-Name"))
    client = place.client()
    assert client.ask(x_server_name="named.example").status == 200
    assert client.ask(host="host.example").status == 200
    assert origin.names == ["named.example", "host.example"]



@pytest.mark.parametrize("host", ["", "h" * 254, "[::1"], ids=["none", "too long", "broken"])
def test_without_a_name_nothing_is_trusted(place, ca, host):
    """auto_san_validation: a request that names no host does not choose to be unverified."""
    origin = tls_origin(place, ca.sign("origin", "DNS:one.example"))
    plain_in_front(place, origin, upstream(ca), hcm={"http_protocol_options": {
        "accept_http_10": True}}, **host_names(auto_san_validation=True))
    client = place.client()
    client.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    assert client.response().status in (400, 426, 503)
    assert not origin.requests


@pytest.mark.parametrize("name,good", [("one.example", True), ("other.example", False)])
def test_connect_that_ends_here_is_verified_by_its_name(place, ca, name, good):
    origin = tls_origin(place, ca.sign("origin", "DNS:one.example"))
    ends_here = {"upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]}
    plain_in_front(place, origin, upstream(ca), hcm={
        "upgrade_configs": [{"upgrade_type": "CONNECT"}],
        "routes": [bs.route(match={"connect_matcher": {}}, action=ends_here)]},
        **host_names(auto_sni=True, auto_san_validation=True))
    client = place.client()
    client.send(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n".encode())
    assert (client.read_head().status == 200) == good
    assert origin.names == [name]


def test_tcp_proxies_have_no_name_to_verify(place, ca):
    origin = tls_origin(place, ca.sign("origin", "DNS:one.example"))
    place.port = free_port()
    relay = bs.network_filter("tcp_proxy.v3.TcpProxy", stat_prefix="t", cluster="origin")
    listener = bs.listener(place.port, relay)
    place.start(bs.bootstrap([listener], [bs.cluster(
        origin.port, transport_socket=upstream(ca),
        upstream_http_protocol_options={"auto_san_validation": True})]))
    client = place.client()
    assert client.ended()
    assert not origin.names
