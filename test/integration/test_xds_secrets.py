"""Secrets from control planes and files: who comes when, what is refused, what is never shown."""

import contextlib
import ssl
import threading

import bootstrap as bs
import certificates
import control_plane as cp
from certificates import downstream, upstream
from control_plane import named, says
from test_tls_rotation import subject_seen
from test_xds_sources import file_source, moved_to, response
from tls_tools import TlsClient, client_context, get, stat, tls_origin, with_admin
from weir_process import free_port, wait_for

SECRET = cp.V3 + "extensions.transport_sockets.tls.v3.Secret"


def inline(path):
    return {"inline_string": path.read_text()}


def pair_secret(pair, name="pair"):
    return {"name": name, "tls_certificate": {
        "certificate_chain": inline(pair.crt), "private_key": inline(pair.key)}}


def trust_secret(authority, name="trust"):
    return {"name": name, "validation_context": {"trusted_ca": inline(authority.crt)}}


def fetched(name="pair", source=None):
    return {"name": name, "sds_config": source or cp.source("ads")}


def serving(place, plane, socket, origin, kind="sotw", clusters=(), **more):
    """A proxy with a listener for TLS, whose secrets come from the control plane."""
    place.port = free_port()
    front = bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))
    front["filter_chains"][0]["transport_socket"] = socket
    config = bs.bootstrap([front], [bs.cluster(origin.port, name="back"), cp.xds_cluster(plane),
                                    *clusters])
    config.update(cp.dynamic(kind))
    config.update(with_admin(place))
    config.update(more)
    return place.start(config)


def shown_by(place, name="/config_dump"):
    with place.client(place.admin_port) as client:
        return client.ask(host="localhost", path=name).body.decode()


@cp.EVERY_WAY
def test_certificates_come_and_change(place, plane, ca, kind, ads):
    """No client is served before the first; open connections outlive every change."""
    source = cp.source("ads" if ads else kind)
    socket = downstream(common={
        "tls_certificate_sds_secret_configs": [fetched("pair", source)]})
    weir = serving(place, plane, socket, named(place, "one"), kind)
    wait_for(lambda: "sds" in shown_by(place, "/init_dump"), "it waits for a secret")
    assert "starting workers" not in weir.output()
    plane.put("secrets", pair_secret(ca.sign("first")))
    weir.await_ready("starting workers")
    with contextlib.closing(TlsClient(place.port, client_context(ca))) as old:
        assert old.ask().status == 200
        for name in ("second", "third"):
            plane.put("secrets", pair_secret(ca.sign(name)))
            wait_for(lambda name=name: name in subject_seen(place, ca), "the new certificate")
            assert old.ask().status == 200
    assert not plane.refusals()


def test_nothing_fails_while_certificates_change(place, plane, ca):
    socket = downstream(common={"tls_certificate_sds_secret_configs": [fetched()]})
    plane.put("secrets", pair_secret(ca.sign("first")))
    serving(place, plane, socket, named(place, "one")).await_ready("starting workers")
    failures, stop, served = [], threading.Event(), []

    def load():
        while not stop.is_set():
            try:
                served.append(get(place.port, client_context(ca)).status)
            except OSError as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(5):
        plane.put("secrets", pair_secret(ca.sign(f"next{number}")))
        wait_for(lambda name=f"next{number}": name in subject_seen(place, ca), "the new one")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures and set(served) == {200}


def test_a_bad_secret_is_refused_and_shown_without_its_key(place, plane, ca):
    first, second = ca.sign("first"), ca.sign("second")
    socket = downstream(common={"tls_certificate_sds_secret_configs": [fetched()]})
    plane.put("secrets", pair_secret(first))
    weir = serving(place, plane, socket, named(place, "one")).await_ready("starting workers")
    bad = pair_secret(second)
    bad["tls_certificate"]["private_key"] = inline(first.key)
    plane.put("secrets", bad)
    refusal = wait_for(plane.refusals, "a refusal")[0]
    assert "pair: " in refusal and "private_key" in refusal
    assert "first" in subject_seen(place, ca)
    assert stat(place, "sds.pair.update_rejected") >= 1
    dump = shown_by(place)
    assert "dynamic_active_secrets" in dump and "error_state" in dump
    secret_line = first.key.read_text().splitlines()[1]
    for text in (dump, weir.output(), *plane.said()):
        assert secret_line not in text and "PRIVATE KEY" not in text
    plane.put("secrets", pair_secret(second))
    wait_for(lambda: "second" in subject_seen(place, ca), "the mended one")


def test_whom_to_trust_comes_from_the_control_plane(place, plane, ca):
    """Clients without a certificate of that authority are refused, before and after a change."""
    other = certificates.Authority(place.directory, "other")
    mine, theirs, server = ca.sign("mine"), other.sign("theirs"), ca.sign("server")
    socket = downstream(server, require_client_certificate=True,
                        common={"validation_context_sds_secret_config": fetched("trust")})
    plane.put("secrets", trust_secret(ca))
    serving(place, plane, socket, named(place, "one")).await_ready("starting workers")

    def answers(pair):
        try:
            return get(place.port, client_context(ca, pair)).status
        except (OSError, EOFError, ssl.SSLError):
            return None

    assert (answers(mine), answers(theirs), answers(None)) == (200, None, None)
    plane.put("secrets", trust_secret(other))
    wait_for(lambda: answers(theirs) == 200, "the other authority")
    assert answers(mine) is None


def test_without_its_secret_a_listener_serves_nobody(place, plane):
    source = {**cp.source("ads"), "initial_fetch_timeout": "0.3s"}
    socket = downstream(common={"tls_certificate_sds_secret_configs": [fetched("none", source)]})
    serving(place, plane, socket, named(place, "one")).await_ready("starting workers")
    assert says(place) is None
    assert stat(place, "downstream_context_secrets_not_ready") == 1
    assert stat(place, "sds.none.init_fetch_timeout") == 1


@cp.EVERY_WAY
def test_a_cluster_with_tls_from_the_control_plane(place, plane, ca, kind, ads):
    """It warms until its secrets are there; the origin must be whom they trust."""
    source = cp.source("ads" if ads else kind)
    origin = tls_origin(place, ca.sign("origin"), ca, reply=b"HTTP/1.1 200 OK\r\n"
                        b"connection: close\r\ncontent-length: 6\r\n\r\nsecret")
    plane.put("clusters", bs.cluster(origin.port, name="back", transport_socket=upstream(
        common={"tls_certificate_sds_secret_configs": [fetched("pair", source)],
                "validation_context_sds_secret_config": fetched("trust", source)})))
    plane.put("secrets", trust_secret(ca))
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))],
                          [cp.xds_cluster(plane)])
    config.update(cp.dynamic(kind, ads))
    config.update(with_admin(place))
    place.start(config)
    wait_for(lambda: "sds" in shown_by(place, "/init_dump"), "it waits for a secret")
    plane.put("secrets", pair_secret(ca.sign("client")))
    wait_for(lambda: says(place) == "secret", "an answer of the origin")
    plane.put("secrets", trust_secret(certificates.Authority(place.directory, "other")))
    wait_for(lambda: says(place) == 503, "nobody the other authority knows")
    assert not plane.refusals()


def test_secrets_from_files(place, ca, tmp_path):
    """A file that names files: both are watched, as sidecars have them."""
    live = ca.sign("first")
    moved_to(tmp_path / "sds.json", response(
        SECRET, {"name": "pair", "tls_certificate": live.shown()}))
    place.port = free_port()
    front = bs.listener(place.port, bs.hcm(routes=[bs.route("origin")]))
    front["filter_chains"][0]["transport_socket"] = downstream(common={
        "tls_certificate_sds_secret_configs": [
            fetched("pair", file_source(tmp_path / "sds.json"))]})
    place.start(bs.bootstrap([front], [bs.cluster(named(place, "one").port)])).await_ready(
        "starting workers")
    assert "first" in subject_seen(place, ca)
    second = ca.sign("second")
    live.key.write_bytes(second.key.read_bytes())
    live.crt.write_bytes(second.crt.read_bytes())
    wait_for(lambda: "second" in subject_seen(place, ca), "what the named files hold")
    moved_to(tmp_path / "sds.json", response(SECRET, pair_secret(ca.sign("third"))))
    wait_for(lambda: "third" in subject_seen(place, ca), "what the file holds")


def test_a_control_plane_behind_its_own_secret_is_refused(place, plane):
    """It could never be reached; one whose secret comes from elsewhere can."""
    cluster = cp.xds_cluster(plane)
    cluster["transport_socket"] = upstream(
        common={"validation_context_sds_secret_config": fetched("trust")})
    config = bs.bootstrap([], [cluster])
    config.update(cp.dynamic("sotw"))
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    assert "waits for endpoints or secrets that come only from there" in weir.output()


@cp.EVERY_WAY
def test_without_its_secret_a_cluster_is_not_reached(place, plane, ca, kind, ads):
    """Requests are answered 503; it is reached when the secret comes late."""
    source = {**cp.source("ads" if ads else kind), "initial_fetch_timeout": "0.3s"}
    origin = tls_origin(place, ca.sign("origin"), reply=b"HTTP/1.1 200 OK\r\n"
                        b"connection: close\r\ncontent-length: 4\r\n\r\nlate")
    plane.put("clusters", bs.cluster(origin.port, name="back", transport_socket=upstream(
        common={"validation_context_sds_secret_config": fetched("trust", source)})))
    place.port = free_port()
    log = bs.file_log(place.log.path, "%UPSTREAM_TRANSPORT_FAILURE_REASON%\n")
    config = bs.bootstrap(
        [bs.listener(place.port, bs.hcm(routes=[bs.route("back")], access_log=[log]))],
        [cp.xds_cluster(plane)])
    config.update(cp.dynamic(kind, ads))
    config.update(with_admin(place))
    place.start(config).await_ready("starting workers")
    assert says(place) == 503
    assert stat(place, "upstream_context_secrets_not_ready") >= 1
    assert "secrets of the cluster's TLS have not come yet" in place.log.line().replace("_", " ")
    plane.put("secrets", trust_secret(ca))
    wait_for(lambda: says(place) == "late", "an answer of the origin")


@cp.EVERY_WAY
def test_a_cluster_whose_first_secret_is_bad(place, plane, ca, kind, ads):
    """It waits no longer, since nothing better is under way; it is reached when the next is good."""
    source = cp.source("ads" if ads else kind)
    origin = tls_origin(place, ca.sign("origin"), ca, reply=b"HTTP/1.1 200 OK\r\n"
                        b"connection: close\r\ncontent-length: 4\r\n\r\ngood")
    first, second = ca.sign("first"), ca.sign("second")
    bad = pair_secret(first)
    bad["tls_certificate"]["private_key"] = inline(second.key)
    plane.put("secrets", bad)
    plane.put("secrets", trust_secret(ca))
    plane.put("clusters", bs.cluster(origin.port, name="back", transport_socket=upstream(
        common={"tls_certificate_sds_secret_configs": [fetched("pair", source)],
                "validation_context_sds_secret_config": fetched("trust", source)})))
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("back")]))],
                          [cp.xds_cluster(plane)])
    config.update(cp.dynamic(kind, ads))
    config.update(with_admin(place))
    place.start(config).await_ready("starting workers")
    assert says(place) == 503
    plane.put("secrets", pair_secret(first))
    wait_for(lambda: says(place) == "good", "an answer of the origin")


def test_a_secret_that_does_not_suit_holds_nothing_up(place, plane, ca):
    """Another cluster uses it as it is; this one is told apart, and everybody else serves."""
    one = named(place, "one")
    plane.put("secrets", pair_secret(ca.sign("client")))
    plane.put("clusters", bs.cluster(one.port, name="good", transport_socket=upstream(
        common={"tls_certificate_sds_secret_configs": [fetched("pair")]})))
    plane.put("clusters", bs.cluster(one.port, name="odd", transport_socket=upstream(
        common={"validation_context_sds_secret_config": fetched("pair")})))
    plane.put("clusters", bs.cluster(one.port, name="plain"))
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port, bs.hcm(routes=[bs.route("plain")]))],
                          [cp.xds_cluster(plane)])
    config.update(cp.dynamic("sotw"))
    config.update(with_admin(place))
    weir = place.start(config).await_ready("starting workers")
    assert says(place) == "one"
    assert "expected a validation_context" in weir.output()
