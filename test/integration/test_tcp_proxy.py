"""tcp_proxy: bytes to a cluster and back, how a relay ends, and what limits it."""

import hashlib
import select
import shutil
import socket
import subprocess
import threading

import pytest

import bootstrap as bs
from tcp_peers import END, RESET, how_it_ends, relay, reset
from test_stats import stats_of
from weir_process import free_port, wait_for


def pair(place, **options):
    """Both ends of one relay: the client's wire and the origin's."""
    origin = place.origin()
    relay(place, origin, **options)
    client = place.client()
    return client, origin.accept()


def test_bytes_pass_in_both_directions(place):
    client, server = pair(place)
    server.send(b"220 hello\r\n")  # who speaks first does not matter
    assert client.sock.recv(100) == b"220 hello\r\n"
    client.send(b"\0\1\2")
    assert server.sock.recv(100) == b"\0\1\2"


def test_half_close_by_the_client(place):
    client, server = pair(place)
    client.send(b"question")
    client.sock.shutdown(socket.SHUT_WR)
    assert how_it_ends(server.sock) == (b"question", END)
    server.send(b"answer after your end")
    server.close()
    assert how_it_ends(client.sock) == (b"answer after your end", END)
    assert place.log.line().startswith("8 21 - 127.0.0.1:")


def test_half_close_by_the_server(place):
    client, server = pair(place)
    server.send(b"all I have")
    server.sock.shutdown(socket.SHUT_WR)
    assert how_it_ends(client.sock) == (b"all I have", END)
    client.send(b"and I")
    client.close()
    assert how_it_ends(server.sock) == (b"and I", END)


def test_a_reset_goes_through(place):
    client, server = pair(place)
    client.send(b"x")
    assert server.sock.recv(1) == b"x"
    reset(server.sock)
    assert how_it_ends(client.sock)[1] == RESET


def test_a_reset_by_the_client_goes_through(place):
    client, server = pair(place)
    server.send(b"x")
    assert client.sock.recv(1) == b"x"
    reset(client.sock)
    assert how_it_ends(server.sock)[1] == RESET
    assert " DC " in place.log.line()


def push(sock, size, digest):
    block = bytes(range(256)) * 256
    while size > 0:
        piece = block[:size]
        sock.sendall(piece)
        digest.update(piece)
        size -= len(piece)
    sock.shutdown(socket.SHUT_WR)


def test_a_hundred_megabytes_arrive_as_they_were_sent(place):
    client, server = pair(place)
    size = 100 << 20
    sent, received = hashlib.sha256(), hashlib.sha256()
    thread = threading.Thread(target=push, args=[client.sock, size, sent])
    thread.start()
    count = 0
    while piece := server.sock.recv(1 << 20):
        received.update(piece)
        count += len(piece)
    thread.join()
    assert count == size
    assert received.digest() == sent.digest()


def test_a_slow_reader_pauses_the_sender(place):
    origin = place.origin()
    weir = relay(place, origin)
    client = place.client(receive_buffer=8192)
    server = origin.accept()
    before = weir.memory_kib()
    server.sock.setblocking(False)
    block, sent = b"x" * 65536, 0
    # The relay has stopped reading when nothing was taken for a while.
    for _ in range(50):
        try:
            while True:
                sent += server.sock.send(block)
        except BlockingIOError:
            if not select.select([], [server.sock], [], 0.3)[1]:
                break
    else:
        pytest.fail(f"{sent} bytes were taken though nobody reads")
    assert weir.memory_kib() - before < 1024
    server.sock.setblocking(True)
    server.sock.shutdown(socket.SHUT_WR)
    assert len(how_it_ends(client.sock)[0]) == sent


def test_nobody_listens(place):
    relay(place, free_port())
    assert how_it_ends(place.client().sock)[0] == b""
    assert " UF,URX " in place.log.line()


def test_attempts_go_on_to_the_next_endpoint(place):
    origin = place.origin()
    relay(place, free_port(), origin, tcp={"max_connect_attempts": 2})
    for _ in range(2):
        client = place.client()
        origin.accept().send(b"here")
        assert client.sock.recv(9) == b"here"


def test_attempts_wait_for_their_backoff(place):
    relay(place, free_port(), tcp={
        "max_connect_attempts": 3,
        "backoff_options": {"base_interval": "0.01s", "max_interval": "0.02s"}})
    assert how_it_ends(place.client().sock)[0] == b""
    assert " UF,URX " in place.log.line()


def test_no_endpoint(place):
    relay(place)
    assert how_it_ends(place.client().sock)[0] == b""
    assert " UH " in place.log.line()


def test_no_such_cluster(place):
    relay(place, 9, tcp={"cluster": "nowhere"})
    assert how_it_ends(place.client().sock)[0] == b""
    assert " NC " in place.log.line()


def test_circuit_breaker(place):
    origin = place.origin()
    relay(place, origin, cluster=bs.thresholds(max_connections=1))
    first = place.client()
    server = origin.accept()
    assert how_it_ends(place.client().sock)[0] == b""
    assert " UO " in place.log.line()
    server.send(b"still here")
    assert first.sock.recv(99) == b"still here"


def test_weighted_clusters(place):
    origins = [place.origin() for _ in range(2)]
    weights = {"clusters": [{"name": "origin", "weight": 1}, {"name": "other", "weight": 1}]}
    relay(place, origins[0], tcp={"weighted_clusters": weights},
          clusters=[bs.cluster(origins[1].port, name="other")])
    clients = [place.client() for _ in range(40)]
    for origin in origins:
        origin.accept()  # of forty each gets some
    assert len(clients) == 40


def test_idle_timeout(place):
    client, server = pair(place, tcp={"idle_timeout": "0.2s"})
    assert how_it_ends(client.sock)[0] == b""
    assert how_it_ends(server.sock)[0] == b""
    assert place.log.line().endswith("tcp_session_idle_timeout")


def test_longest_duration(place):
    client, _ = pair(place, tcp={"max_downstream_connection_duration": "0.2s"})
    assert how_it_ends(client.sock)[0] == b""
    assert " DT " in place.log.line()
    assert place.log.line().endswith("max_connection_duration_reached")


def test_lines_before_the_end(place):
    line = "%ACCESS_LOG_TYPE% %PROTOCOL% %UPSTREAM_CLUSTER%"
    client, server = pair(place, tcp={
        "access_log": [bs.file_log(place.log.path, line)],
        "access_log_options": {"flush_access_log_on_start": True,
                               "flush_access_log_on_connected": True,
                               "access_log_flush_interval": "0.05s"}})
    lines = place.log.lines(3)
    assert lines[:3] == ["TcpConnectionStart - origin", "TcpUpstreamConnected - origin",
                         "TcpPeriodic - origin"]
    client.close()
    server.close()
    wait_for(lambda: "TcpConnectionEnd - origin" in place.log.path.read_text(), "the last line")


def test_statistics(place):
    admin = free_port()
    client, server = pair(place, resources={"admin": {"address": bs.address(admin)}})
    client.send(b"12345")
    server.sock.recv(5)
    server.send(b"678")
    client.sock.recv(3)
    stats = stats_of(admin)
    assert stats["tcp.test.downstream_cx_total"] == "1"
    assert stats["tcp.test.downstream_cx_rx_bytes_total"] == "5"
    assert stats["tcp.test.downstream_cx_tx_bytes_total"] == "3"
    assert stats["cluster.origin.upstream_cx_active"] == "1"
    assert stats["cluster.origin.upstream_cx_tx_bytes_total"] == "5"


def test_an_idle_relay_is_small(place):
    origin = place.origin(backlog=1024)
    weir = relay(place, origin)
    count = 400
    clients, servers = [], []

    def more():
        for _ in range(count):
            clients.append(place.client())
            servers.append(origin.accept())

    more()
    before = weir.memory_kib()
    more()
    assert (weir.memory_kib() - before) * 1024 / count <= 1200 + 4096 * 8 / count


def test_existing_relays_outlive_the_listener(place):
    origin = place.origin()
    weir = relay(place, origin, arguments=["--drain-time-s", "5"])
    client, server = place.client(), origin.accept()
    weir.signal(15)
    wait_for(lambda: "drain" in weir.output().lower(), "draining")
    client.send(b"x")
    assert server.sock.recv(1) == b"x"
    client.close()
    server.close()
    assert weir.wait() == 0


@pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server here")
def test_redis_through_it(place):
    port = free_port()
    redis = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--bind",
                              "127.0.0.1"], stdout=subprocess.DEVNULL, cwd=place.directory)
    try:
        relay(place, port)

        def ping():
            try:
                with place.client() as client:
                    client.send(b"*1\r\n$4\r\nPING\r\n")
                    return client.sock.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

        wait_for(ping, "redis answers")
        client = place.client()
        value = b"v" * 300_000
        client.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$300000\r\n" + value + b"\r\n")
        assert client.sock.recv(5) == b"+OK\r\n"
        client.send(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        reply = b""
        while len(reply) < 300_011:
            reply += client.sock.recv(1 << 20)
        assert reply == b"$300000\r\n" + value + b"\r\n"
    finally:
        redis.terminate()
        redis.wait()


@pytest.mark.parametrize("field, value, reason", [
    ("tunneling_config", {"hostname": "a:1"}, "CONNECT"),
    ("on_demand", {"odcds_config": {"ads": {}}}, "on demand"),
    ("upstream_connect_mode", "ON_DOWNSTREAM_DATA", "IMMEDIATE"),
    ("max_connect_attempts", 0, "at least 1"),
])
def test_what_is_refused(place, field, value, reason):
    weir = relay(place, 9, tcp={field: value}, ready=False)
    assert weir.wait() == 1
    assert field in weir.output() and reason in weir.output()
