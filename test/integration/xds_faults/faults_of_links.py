"""The control plane, or the way to it, is gone: killed, hung, silent, cut, in a hurry."""

import random
import signal
import socket
import time

from cases import BOTH, case
from relay import GRPC, Scripted
from weir_process import wait_for

ENDED = "xds: the stream of ADS ended: "
FAILURE = "cluster_manager.cds.update_failure"
DEAD = "cluster.xds_cluster.http2.keepalive_timeout"


@case("killed", BOTH)
def killed(stage):
    stage.plane.stop(signal.SIGKILL)
    stage.logged(ENDED)
    stage.counted(FAILURE, 1)
    stage.serves()


@case("killed, and nobody listens any more")
def refused(stage):
    """The relay is gone, too: connects are refused."""
    stage.relay.refuse()
    stage.counted("cluster.xds_cluster.upstream_cx_connect_fail", 3)
    stage.logged(ENDED)
    stage.serves()
    stage.relay.reopen()


@case("stopped as operators do")
def terminated(stage):
    stage.plane.stop(signal.SIGTERM)
    stage.logged(ENDED)
    stage.serves()


@case("hung", BOTH)
def hung(stage):
    """The process is there, and does nothing: the keep-alive finds it, and every new connection."""
    stage.plane.process.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    stage.counted(DEAD, 1)
    stage.note(f"found after {time.monotonic() - begun:.2f} s")
    stage.logged(ENDED)
    stage.counted(DEAD, 2)
    stage.serves()
    stage.plane.process.send_signal(signal.SIGCONT)


@case("half-open")
def half_open(stage):
    """No byte passes, and nobody says so."""
    stage.relay.freeze()
    begun = time.monotonic()
    stage.counted(DEAD, 1)
    stage.note(f"found after {time.monotonic() - begun:.2f} s")
    assert time.monotonic() - begun < 3, "interval and timeout are 0.3 s"
    stage.logged(ENDED)
    stage.serves()


@case("half-open, and no keep-alive is configured", keepalive=None)
def half_open_unconfigured(stage):
    """30 s and 5 s are Weir's own: Envoy would not notice."""
    stage.relay.freeze()
    begun = time.monotonic()
    stage.counted(DEAD, 1, patience=50)
    took = time.monotonic() - begun
    stage.note(f"found after {took:.0f} s")
    assert took < 45, took
    stage.logged(ENDED)
    stage.serves()


@case("silent: it answers pings, and nothing else")
def silent(stage):
    """As far as anybody can tell all is well; the age of what was said last tells."""
    deaf = Scripted(lambda link, stream: None)
    stage.relay.to(deaf)
    wait_for(lambda: deaf.calls == 1, "the next stream")
    last = stage.stat("control_plane.last_message_time")
    time.sleep(1)  # several keep-alives
    assert stage.stat("control_plane.last_message_time") == last > 0
    assert stage.stat("control_plane.connected_state") == 1
    assert stage.stat(DEAD) == 0
    stage.serves()


@case("hangs up at once")
def hangs_up(stage):
    """The pauses grow: no hot loop."""
    stage.relay.to(lambda sock: None)
    before = stage.relay.accepted
    stage.counted(FAILURE, 3)
    time.sleep(2)
    tried = stage.relay.accepted - before
    stage.note(f"{tried} connections in 2 s")
    assert 3 <= tried <= 60, tried
    stage.logged(ENDED)
    stage.serves()


@case("answers, and hangs up")
def answers_and_hangs_up(stage):
    def script(link, stream):
        link.h2.send_headers(stream, GRPC)
        link.flush()
        link.sock.shutdown(socket.SHUT_RDWR)

    stage.relay.to(Scripted(script))
    stage.counted(FAILURE, 3)
    stage.logged(ENDED)
    stage.serves()


@case("dies in the middle of a response")
def dies_within(stage):
    def cut_short(sock):
        """Of what the real one says, 200 bytes."""
        with socket.create_connection(("127.0.0.1", stage.plane.port)) as far:
            far.settimeout(1)
            sock.settimeout(1)
            passed = 0
            while passed < 200:
                far.sendall(sock.recv(1 << 16))
                data = far.recv(1 << 16)[:200 - passed]
                passed += len(data)
                sock.sendall(data)

    stage.relay.to(cut_short)
    stage.counted(FAILURE, 2)
    stage.logged(ENDED)
    stage.serves()


@case("goes away, and resets", BOTH)
def resets(stage):
    """Each stream ends by another RST_STREAM or GOAWAY."""
    codes = iter(range(0, 14))
    used = []

    def script(link, stream):
        code = next(codes, 0)
        used.append(code)
        if code % 2:
            link.h2.reset_stream(stream, code)
        else:
            link.h2.close_connection(code)
        link.flush()

    stage.relay.to(Scripted(script))
    wait_for(lambda: len(used) >= 14, "a stream for each code", 40)
    stage.logged(ENDED)
    stage.serves()


@case("says what is no HTTP/2: HTTP/1")
def speaks_http1(stage):
    def script(sock):
        sock.recv(1 << 16)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    no_http2(stage, script)


@case("says what is no HTTP/2: noise, at once")
def speaks_noise(stage):
    noise = random.Random(1)
    no_http2(stage, lambda sock: sock.sendall(noise.randbytes(1 << 14)))


@case("says what is no HTTP/2: a frame that lies")
def speaks_frames(stage):
    """SETTINGS as it should be, then DATA of a stream that nobody has opened."""
    no_http2(stage, lambda sock: sock.sendall(
        b"\0\0\0\4\0\0\0\0\0" + b"\0\0\5\0\0\0\0\0\x63hello"))


@case("says what is no HTTP/2: noise without end")
def speaks_without_end(stage):
    def script(sock):
        while True:
            sock.sendall(bytes(1 << 16))

    no_http2(stage, script)


def no_http2(stage, script):
    stage.relay.to(script)
    stage.counted("cluster.xds_cluster.upstream_cx_protocol_error", 2)
    stage.counted(FAILURE, 2)
    stage.logged(ENDED)
    stage.serves()
