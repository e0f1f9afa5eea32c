"""Where Weir listens and connects: unix sockets, IPv6, names."""

import os
import socket
import stat

import bootstrap as bs
from conftest import needs_ipv6
from raw_client import Client
from weir_process import free_port


def test_unix_socket_listener(place):
    path = place.directory / "front.sock"
    origin = place.server()
    place.start(bs.bootstrap([bs.listener(path)], [bs.cluster(origin.port)]))
    with Client(0, path=path) as client:
        assert client.ask().status == 200
    assert stat.S_ISSOCK(os.stat(path).st_mode)


def test_unix_socket_left_by_another_process_is_replaced(place):
    path = place.directory / "front.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    origin = place.server()
    place.start(bs.bootstrap([bs.listener(path)], [bs.cluster(origin.port)]))
    with Client(0, path=path) as client:
        assert client.ask().status == 200


def test_unix_socket_mode(place):
    path = place.directory / "front.sock"
    where = bs.listener(path)
    where["address"]["pipe"]["mode"] = 0o600
    place.start(bs.bootstrap([where], [bs.cluster(9)]))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_unix_socket_upstream(place):
    origin = place.server(path=place.directory / "back.sock")
    place.weir(origin)
    assert place.client().ask().status == 200
    assert len(origin.requests) == 1


@needs_ipv6
def test_ipv6_listener_and_upstream(place):
    origin = place.server(family=socket.AF_INET6)
    port = free_port()
    log = bs.file_log(place.log.path, "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_HOST%")
    place.start(bs.bootstrap([bs.listener(("::1", port), bs.hcm(access_log=[log]))],
                             [bs.cluster(("::1", origin.port))]))
    with Client(port, family=socket.AF_INET6) as client:
        assert client.ask().status == 200
    assert place.log.line() == f"::1 [::1]:{origin.port}"


@needs_ipv6
def test_wildcard_address_of_both_families(place):
    port = free_port()
    where = bs.listener(("::", port))
    where["address"]["socket_address"]["ipv4_compat"] = True
    origin = place.server()
    place.start(bs.bootstrap([where], [bs.cluster(origin.port)]))
    assert place.client(port).ask().status == 200
    assert place.client(port, family=socket.AF_INET6).ask().status == 200


def test_several_listeners(place):
    ports = [free_port() for _ in range(3)]
    origin = place.server()
    place.start(bs.bootstrap([bs.listener(port) for port in ports], [bs.cluster(origin.port)]))
    for port in ports:
        assert place.client(port).ask().status == 200


def named(place, kind, **fields):
    origin = place.server()
    place.weir(("localhost", origin.port), cluster={
        "type": kind, "dns_lookup_family": "V4_ONLY", **fields})
    return origin


def test_strict_dns(place):
    origin = named(place, "STRICT_DNS")
    assert place.client().ask().status == 200
    assert len(origin.requests) == 1


def test_logical_dns(place):
    origin = named(place, "LOGICAL_DNS")
    assert place.client().ask().status == 200
    assert len(origin.requests) == 1


def test_the_listener_waits_for_names_it_needs(place):
    """The first request after the start must find the cluster resolved (Envoy warms clusters)."""
    origin = named(place, "STRICT_DNS")
    clients = [place.client() for _ in range(10)]
    assert [client.ask().status for client in clients] == [200] * 10
    assert len(origin.requests) == 10


def test_two_workers_share_a_listener(place):
    origin = place.server()
    place.weir(origin, concurrency=2, listener={"connection_balance_config": {"exact_balance": {}}})
    clients = [place.client() for _ in range(20)]
    for _ in range(3):
        assert [client.ask().status for client in clients] == [200] * 20
    # Each worker has its own pool, and each serves requests one at a time here.
    assert origin.connections == 2


def test_two_workers_with_reuse_port(place):
    origin = place.server()
    place.weir(origin, concurrency=2, listener={"enable_reuse_port": True})
    clients = [place.client() for _ in range(64)]
    assert [client.ask().status for client in clients] == [200] * 64
    assert origin.connections == 2
