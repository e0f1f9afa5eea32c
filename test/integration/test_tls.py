"""TLS towards clients: versions, names, certificates of both sides, resumption, large bodies."""

import contextlib
import socket

import pytest

import bootstrap as bs
from certificates import Authority, downstream, trusting
from origin import answer
from raw_client import request
from http1_wire import read_response
from tls_tools import BIG, TlsClient, client_context, curl, s_client, serve, stat, with_admin
from weir_process import wait_for


def test_https_is_answered(place, ca):
    origin = place.server(lambda seen: answer(body=seen.get("x-forwarded-proto").encode()))
    serve(place, downstream(ca.sign("leaf")), origin)
    assert curl(place.port, "--cacert", ca.crt) == "https"
    with contextlib.closing(TlsClient(place.port, client_context(ca))) as client:
        assert [client.ask().body for _ in range(3)] == [b"https"] * 3
    assert origin.requests[0].get("host") == f"localhost:{place.port}"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_versions(place, ca, version):
    """Exactly the configured one is spoken."""
    name = "TLSv" + version.replace(".", "_")
    origin = place.server()
    serve(place, downstream(ca.sign("leaf"), common={"tls_params": {
        "tls_minimum_protocol_version": name, "tls_maximum_protocol_version": name}}), origin,
        log="%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% %REQUESTED_SERVER_NAME%")
    for asked in ("1.2", "1.3"):
        said = curl(place.port, "--cacert", ca.crt, f"--tlsv{asked}", "--tls-max", asked)
        assert (said == "ok") == (asked == version), said
    line = place.log.line()
    assert line.startswith(f"TLSv{version} ") and line.endswith(" localhost"), line


def test_plain_http_is_no_tls(place, ca):
    serve(place, downstream(ca.sign("leaf")), place.server())
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        with contextlib.suppress(ConnectionError):
            while more := sock.recv(100):
                said += more
    assert b"HTTP" not in said
    assert curl(place.port, "--cacert", ca.crt) == "ok"


def test_certificates_are_chosen_by_name(place, ca):
    pairs = [ca.sign("one", "DNS:one.example"), ca.sign("wild", "DNS:*.two.example"),
             ca.sign("old", "DNS:one.example", rsa=True)]
    serve(place, downstream(*pairs), place.server())
    for asked, name in (("one.example", "one"), ("a.two.example", "wild"), ("none.example", "one")):
        said = s_client(place.port, "-servername", asked)
        assert f"subject=CN = {name}" in said
    said = s_client(place.port, "-servername", "one.example", "-sigalgs", "rsa_pss_rsae_sha256")
    assert "subject=CN = old" in said


def test_alpn(place, ca):
    serve(place, downstream(ca.sign("leaf"), common={"alpn_protocols": ["http/1.1"]}),
          place.server())
    assert "ALPN protocol: http/1.1" in s_client(place.port, "-alpn", "foo,http/1.1")
    assert "No ALPN negotiated" in s_client(place.port, "-alpn", "foo")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed(place, ca, version):
    serve(place, downstream(ca.sign("leaf")), place.server())
    session = place.directory / "session.pem"
    ask = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    first = s_client(place.port, version, "-sess_out", session, "-ign_eof", say=ask)
    assert "New, TLSv1" in first and "200 OK" in first
    again = s_client(place.port, version, "-sess_in", session, "-ign_eof", say=ask)
    assert "Reused, TLSv1" in again and "200 OK" in again


def test_client_certificates(place, ca):
    """Good, absent, expired, of a stranger; each refusal with the alert that says why."""
    admin = with_admin(place)
    strangers = Authority(place.directory, "strangers")
    pair = ca.sign("leaf")
    serve(place, downstream(pair, common={"validation_context": trusting(ca)},
                            require_client_certificate=True), place.server(),
          log="%DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_SERIAL%",
          more=admin)
    good = ca.sign("good", "URI:spiffe://test/good")
    said = curl(place.port, "--cacert", ca.crt, "--cert", good.crt, "--key", good.key)
    assert said == "ok"
    assert place.log.line().startswith("CN=good spiffe://test/good ")
    alerts = {
        "alert certificate required": [],
        "alert certificate expired": ca.sign("expired", days=-1),
        "alert unknown ca": strangers.sign("stranger"),
    }
    for alert, shown in alerts.items():
        arguments = ["-cert", shown.crt, "-key", shown.key] if shown else []
        said = s_client(place.port, "-tls1_3", *arguments, "-ign_eof",
                        say="GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert alert in said, said
    assert stat(place, "ssl.fail_verify_no_cert") == 1
    assert stat(place, "ssl.fail_verify_error") == 2


def test_names_of_client_certificates_are_matched(place, ca):
    serve(place, downstream(ca.sign("leaf"), common={"validation_context": trusting(
        ca, match_typed_subject_alt_names=[
            {"san_type": "URI", "matcher": {"prefix": "spiffe://good/"}}])},
        require_client_certificate=True), place.server())
    for name, works in (("spiffe://good/a", True), ("spiffe://bad/a", False)):
        pair = ca.sign(name.split("/")[2], f"URI:{name}")
        said = curl(place.port, "--cacert", ca.crt, "--cert", pair.crt, "--key", pair.key)
        assert (said == "ok") == works, said


FORGED = "Hash=forged"


@pytest.mark.parametrize("mode, with_certificate, without", [
    ("SANITIZE", [], []),
    ("FORWARD_ONLY", [FORGED], []),
    ("APPEND_FORWARD", [FORGED + ",{own}"], []),
    ("SANITIZE_SET", ["{own}"], []),
    ("ALWAYS_FORWARD_ONLY", [FORGED], [FORGED]),
])
def test_forwarded_client_certificate(place, ca, mode, with_certificate, without):
    origin = place.server()
    leaf = ca.sign("leaf", "DNS:localhost,URI:spiffe://test/weir")
    pair = ca.sign("good", "URI:spiffe://test/a,DNS:a.example")
    serve(place, downstream(leaf, common={"validation_context": trusting(ca)}), origin,
          hcm={"forward_client_cert_details": mode, "set_current_client_cert_details": {
              "subject": True, "uri": True, "dns": True}})
    own = (f"By=spiffe://test/weir;Hash={pair.fingerprint()};Subject=\"CN=good\";"
           "URI=spiffe://test/a;DNS=a.example")
    header = ["-H", f"x-forwarded-client-cert: {FORGED}"]
    curl(place.port, "--cacert", ca.crt, "--cert", pair.crt, "--key", pair.key, *header)
    curl(place.port, "--cacert", ca.crt, *header)
    assert [seen.all("x-forwarded-client-cert") for seen in origin.requests] == [
        [text.format(own=own) for text in with_certificate], without]


def test_large_bodies_and_slow_readers(place, ca):
    origin = place.server(lambda seen: answer(body=seen.body))
    weir = serve(place, downstream(ca.sign("leaf")), origin)
    with contextlib.closing(TlsClient(place.port, client_context(ca))) as client:
        for _ in range(2):
            assert client.ask("POST", body=BIG).body == BIG
        before = weir.memory_kib()
        client.send(request("POST", body=BIG))
        wait_for(lambda: len(origin.requests) == 3, "the origin has answered")
        assert weir.memory_kib() - before < 2048, "what nobody reads is not kept"
        assert read_response(client).body == BIG


def test_handshakes_end_in_time(place, ca):
    serve(place, downstream(ca.sign("leaf")), place.server(),
          chain={"transport_socket_connect_timeout": "0.3s"})
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as sock:
        sock.sendall(b"\x16\x03\x01\x02")
        assert sock.recv(100) == b""


def test_the_end_says_so(place, ca):
    """close_notify goes before FIN, with the last of the response (RFC 8446 §6.1)."""
    serve(place, downstream(ca.sign("leaf")), place.server())
    with contextlib.closing(TlsClient(place.port, client_context(ca))) as client:
        client.sock.suppress_ragged_eofs = False
        assert client.ask(connection="close").status == 200
        assert client.sock.recv(100) == b""


def test_https_is_required(place, ca):
    serve(place, downstream(ca.sign("leaf")), place.server(),
          hcm=bs.hcm(hosts=[bs.virtual_host(require_tls="ALL")])["typed_config"])
    assert curl(place.port, "--cacert", ca.crt) == "ok"
