"""What connectconformance takes for the server or the client under test: the reference one, with a
proxy in between. usage: behind.py WAY PROXY TOOLS DIRECTORY

Where TLS is asked for, both sides of the proxy speak it, each with certificates of its own; clients
show one where they are asked to, and the proxy does so always. The messages on standard input and
output are protobuf, each behind its length in four bytes. In protobuf the last of equal fields that
are no messages counts, so a port is replaced by appending another."""

import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
import certificates
import grpc_proxy
from weir_process import LIBC, PR_SET_PDEATHSIG

# Numbers of fields: ServerCompatRequest, ServerCompatResponse, ClientCompatRequest, TLSCreds.
ASKED_PROTOCOL, ASKED_VERSION, ASKED_TLS, ASKED_CLIENT_CERT, ASKED_CREDS = 1, 2, 4, 5, 7
SERVER_PORT, SERVER_CERT = 2, 3
CLIENT_PORT, CLIENT_SERVER_CERT, CLIENT_CREDS = 7, 8, 9
CERT, KEY = 1, 2
# Values.
SILENCE = 10  # seconds; less than the runner's patience
GRPC = 2
HTTP_1, HTTP_2 = 1, 2


class Way:
    """How the proxy stands before a server: which server, what it is asked to be, how it is reached."""

    def __init__(self, protocol, program="referenceserver", filters=(), tls=True, asked=()):
        self.protocol, self.program, self.filters = protocol, program, filters
        self.tls, self.asked = tls, dict(asked)


WAYS = {
    "server": Way(grpc_proxy.AS_DOWNSTREAM),
    "client": Way(grpc_proxy.AS_DOWNSTREAM),
    "http2_to_http1": Way(grpc_proxy.HTTP1, asked={ASKED_VERSION: HTTP_1}),
    "http1_to_http2": Way(grpc_proxy.HTTP2, asked={ASKED_VERSION: HTTP_2}),
    "web": Way(grpc_proxy.HTTP2, "grpcserver", [grpc_proxy.GRPC_WEB], tls=False,
               asked={ASKED_PROTOCOL: GRPC, ASKED_VERSION: HTTP_2, ASKED_TLS: 0}),
}


def started(program):
    """A child that does not outlive this process, however it ends."""
    return subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))


def read(stream):
    """The next message; nothing at the end."""
    size = stream.read(4)
    return stream.read(struct.unpack(">I", size)[0]) if len(size) == 4 else None


def write(stream, message):
    stream.write(struct.pack(">I", len(message)) + message)
    stream.flush()


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


def with_fields(message, values):
    """A message with numbers and bytes, by the fields' numbers, in the place of what it had."""
    for field, value in values.items():
        if isinstance(value, int):
            message += varint(field << 3) + varint(value)
        else:
            message += varint(field << 3 | 2) + varint(len(value)) + value
    return message


def fields(message):
    """The fields of a message by their numbers, of repeated ones the last: numbers and bytes."""
    at, found = 0, {}

    def take():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = take()
        if key & 7 == 0:
            found[key >> 3] = take()
        else:
            size = {1: lambda: 8, 2: take, 5: lambda: 4}[key & 7]()
            found[key >> 3] = message[at:at + size]
            at += size
    return found


def pair_of(directory, name, cert, key=b""):
    """What a message says as a Pair."""
    pair = certificates.Pair(directory, name)
    pair.crt.write_bytes(cert)
    pair.key.write_bytes(key)
    return pair


def server(way, proxy, tools, directory):
    """One server, with its own proxy, until this process is ended."""
    request = read(sys.stdin.buffer)
    asked = fields(request)
    options = {"protocol": way.protocol, "filters": way.filters}
    shown = {}  # What the client is to know: not the server's certificate, but the proxy's.
    request = with_fields(request, way.asked)
    if asked.get(ASKED_TLS):
        creds = fields(asked[ASKED_CREDS])
        pair = pair_of(directory, "proxy", creds[CERT], creds[KEY])
        clients = asked.get(ASKED_CLIENT_CERT)
        options["downstream"] = grpc_proxy.towards_clients(
            pair, pair_of(directory, "clients", clients) if clients else None)
        shown[SERVER_CERT] = creds[CERT]
        request = with_fields(request, {ASKED_CLIENT_CERT: b""})
        if way.tls:
            authority = certificates.Authority(directory)
            origin = authority.sign("origin")
            options["upstream"] = grpc_proxy.towards_origin(authority, authority.sign("client"))
            request = with_fields(request, {
                ASKED_CLIENT_CERT: authority.crt.read_bytes(),
                ASKED_CREDS: with_fields(b"", {CERT: origin.crt.read_bytes(),
                                               KEY: origin.key.read_bytes()})})
    with started(tools / way.program) as origin:
        write(origin.stdin, request)
        origin.stdin.close()
        response = read(origin.stdout)
        middle = grpc_proxy.Middle(proxy, directory, fields(response)[SERVER_PORT], **options)
        write(sys.stdout.buffer, with_fields(response, {SERVER_PORT: middle.port, **shown}))
        try:
            while origin.poll() is None and os.getppid() != 1:  # nobody is left to end it
                time.sleep(0.1)
        finally:
            origin.terminate()
            if not middle.stop():
                sys.exit(f"the proxy did not end well: {middle.output()}")


class Middles:
    """One proxy for each server that the requests name."""

    def __init__(self, way, proxy, directory):
        self.way, self.proxy, self.directory = way, proxy, pathlib.Path(directory)
        self.known = {}
        self.authority = certificates.Authority(directory)
        self.pair = self.authority.sign("proxy")

    def make(self, asked):
        place = self.directory / str(len(self.known))
        place.mkdir()
        options = {"protocol": self.way.protocol, "filters": self.way.filters}
        if CLIENT_SERVER_CERT in asked:
            creds = asked.get(CLIENT_CREDS)
            client = creds and pair_of(place, "client", *map(fields(creds).get, (CERT, KEY)))
            theirs = pair_of(place, "origin", asked[CLIENT_SERVER_CERT])
            options["downstream"] = grpc_proxy.towards_clients(self.pair, client)
            options["upstream"] = grpc_proxy.towards_origin(theirs, client)
        return grpc_proxy.Middle(self.proxy, place, asked[CLIENT_PORT], **options)

    def redirected(self, request):
        """A request to the proxy of the server it is meant for."""
        asked = fields(request)
        key = tuple(asked.get(field) for field in (CLIENT_PORT, CLIENT_SERVER_CERT, CLIENT_CREDS))
        if key not in self.known:
            self.known[key] = self.make(asked)
        changed = {CLIENT_PORT: self.known[key].port}
        if CLIENT_SERVER_CERT in asked:
            changed[CLIENT_SERVER_CERT] = self.authority.crt.read_bytes()
        return with_fields(request, changed)

    def state(self):
        return "\n".join(middle.state() for middle in self.known.values())

    def stop(self):
        bad = [middle for middle in self.known.values() if not middle.stop()]
        if bad:
            sys.exit(f"a proxy did not end well: {bad[0].output()}")


def copy(source, target, heard):
    while chunk := source.read1(65536):
        target.write(chunk)
        target.flush()
        heard.set()


def say_what_hangs(heard, over, middles):
    """The runner gives up after 20 s without an answer; what the proxies were at is said before."""
    while not over.is_set():
        heard.clear()
        if not heard.wait(SILENCE) and not over.is_set():
            print(f"no answer for {SILENCE} s:\n{middles.state()}", file=sys.stderr, flush=True)
            heard.wait()


def client(way, proxy, tools, directory):
    """The reference client; each of its requests goes to the proxy of its server."""
    middles = Middles(way, proxy, directory)
    heard, over = threading.Event(), threading.Event()
    with started(tools / "referenceclient") as asking:
        back = threading.Thread(target=copy, args=(asking.stdout, sys.stdout.buffer, heard))
        back.start()
        threading.Thread(target=say_what_hangs, args=(heard, over, middles), daemon=True).start()
        while (message := read(sys.stdin.buffer)) is not None:
            write(asking.stdin, middles.redirected(message))
        asking.stdin.close()
        back.join()
        over.set()
        heard.set()
    middles.stop()


def main():
    name, proxy, tools, directory = sys.argv[1:5]
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # What was started is ended on the way.
    run = client if name == "client" else server
    with tempfile.TemporaryDirectory(dir=directory) as place:
        run(WAYS[name], proxy, pathlib.Path(tools), place)


if __name__ == "__main__":
    main()
