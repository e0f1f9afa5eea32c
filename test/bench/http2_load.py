"""HTTP/2 load by h2load, a generator that is not ours, and idle HTTP/2 connections.

Every run counts what came: so many responses with a status of 200, and exactly their bytes.
"""

import contextlib
import pathlib
import re
import selectors
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import measure
from processes import RowAborted, generator_cpu

FIGURES = re.compile(r"([\d.]+) req/s.*?(\d+) succeeded, (\d+) failed, (\d+) errored.*?"
                     r"\((\d+)\) data", re.S)
END_STREAM, ACK = 1, 1
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
# A client's preface and SETTINGS, and GET http://bench/ on stream 1 (RFC 7541 C.4.1 has its like).
OPENING = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" +
           b"\0\0\x0a\1\5\0\0\0\1" + b"\x82\x86\x84\x41\x05bench")


def cpu_ns(pid):
    """The CPU time of all threads of a process."""
    return sum(int(path.read_text().split()[0])
               for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def run(port, requests, connections, streams, body, *options, scheme="http", path="/"):
    """{rps}; aborts the row when a response is missing, or has not `body` bytes."""
    command = ["taskset", "-c", generator_cpu(), "h2load", "-n", requests, "-c", connections, "-m",
               streams, *options, f"{scheme}://127.0.0.1:{port}{path}"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False)
    found = FIGURES.search(done.stdout)
    if not found:
        raise RowAborted(f"h2load said: {done.stdout[-800:]}{done.stderr[-400:]}")
    rps, good, failed, errored, size = found.groups()
    if int(good) != requests or int(failed) or int(errored) or int(size) != requests * body:
        raise RowAborted(f"of {requests} responses of {body} bytes {good} came, with {size} bytes")
    return {"rps": float(rps)}


def timed(proxy, port, requests, *arguments, **options):
    """CPU time a request and rate, behind a warm-up of a tenth."""
    run(port, max(requests // 10, 1000), *arguments, **options)
    before = cpu_ns(proxy.pid)
    report = run(port, requests, *arguments, **options)
    report["cpu_us"] = (cpu_ns(proxy.pid) - before) / 1000 / requests
    return report


@contextlib.contextmanager
def grpc_origin(port, size):
    """nghttpd: answers every call with `size` bytes and grpc-status 0 behind them."""
    nghttpd = shutil.which("nghttpd")
    if not nghttpd:
        raise RowAborted("nghttpd is not installed")
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as directory:
        (pathlib.Path(directory) / "call").write_bytes(bytes(size))
        command = [nghttpd, "--no-tls", "-d", directory, "--trailer", "grpc-status: 0", port]
        with measure.Process("nghttpd", command, generator_cpu(), directory, port) as origin:
            yield origin


def require_trailers(port):
    """One call, whose trailers have to arrive."""
    done = subprocess.run(["nghttp", "-v", "-H", ":method: POST", "-H", "te: trailers", "-H",
                           "content-type: application/grpc", f"http://127.0.0.1:{port}/call"],
                          capture_output=True, text=True, timeout=20, check=False)
    if not re.search(r"recv \(stream_id=\d+\) grpc-status: 0", done.stdout):
        raise RowAborted(f"no trailers came: {done.stdout}")


class IdleConnection:
    """One request, then nothing; `done` when its response is complete."""

    def __init__(self, port, index):
        self.sock = socket.socket()
        # Varied source addresses, or the ports would run out.
        self.sock.bind((f"127.0.{1 + index // 20000}.1", 0))
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(OPENING)
        self.kept = b""
        self.done = False

    def read(self):
        data = self.sock.recv(65536)
        if not data:
            raise RowAborted("an HTTP/2 connection was closed by the proxy")
        self.kept += data
        while len(self.kept) >= 9:
            size = int.from_bytes(self.kept[:3], "big")
            kind, flags, _ = struct.unpack(">BBI", self.kept[3:9])
            if len(self.kept) < 9 + size:
                return
            self.kept = self.kept[9 + size:]
            if kind == GOAWAY:
                raise RowAborted("the proxy sent GOAWAY")
            if kind == SETTINGS and not flags & ACK:
                self.sock.sendall(b"\0\0\0\4\1\0\0\0\0")
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                self.done = True


def hold_idle(port, count, while_held, batch=200):
    """Opens `count` connections, one request each; calls `while_held` while they are open."""
    connections = []
    try:
        with selectors.DefaultSelector() as waiting:
            while len(connections) < count:
                for _ in range(min(batch, count - len(connections))):
                    connection = IdleConnection(port, len(connections))
                    connections.append(connection)
                    waiting.register(connection.sock, selectors.EVENT_READ, connection)
                _finish(waiting)
        return while_held()
    finally:
        for connection in connections:
            connection.sock.close()


def _finish(waiting):
    deadline = time.monotonic() + 30
    while waiting.get_map():
        if time.monotonic() > deadline:
            raise RowAborted("no answer within 30 s")
        for key, _ in waiting.select(1):
            key.data.read()
            if key.data.done:
                waiting.unregister(key.fileobj)
