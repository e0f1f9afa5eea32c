"""What the tests of TLS share: clients and origins that are not ours: openssl, curl, Python's ssl."""

import contextlib
import socket
import ssl
import subprocess
import urllib.request

import bootstrap as bs
from http1_wire import Wire, read_response
from origin import OriginWire, Server, answer
from raw_client import request
from weir_process import free_port

BIG = bytes(range(256)) * 8192  # 2 MB


def serve(place, socket_config, origin=None, hcm=None, cluster=None, chain=None, **options):
    """A proxy that speaks TLS on place.port."""
    port = place.port = free_port()
    manager = bs.hcm(**{"access_log": [bs.file_log(place.log.path, options.pop("log", bs.LOG_LINE))],
                        **(hcm or {})})
    listener = bs.listener(port, manager)
    listener["filter_chains"][0].update({"transport_socket": socket_config, **(chain or {})})
    where = [origin.port] if origin else [1]
    config = bs.bootstrap([listener], [bs.cluster(*where, **(cluster or {}))])
    config["static_resources"].update(options.pop("resources", {}))
    config.update(options.pop("more", {}))
    return place.start(config, **options)


def client_context(ca=None, pair=None, **fields):
    context = ssl.create_default_context(cafile=str(ca.crt) if ca else None)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if pair:
        context.load_cert_chain(pair.crt, pair.key)
    for name, value in fields.items():
        setattr(context, name, value)
    return context


class TlsClient(Wire):
    def __init__(self, port, context, name="localhost", session=None):
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        super().__init__(context.wrap_socket(plain, server_hostname=name, session=session))

    def ask(self, method="GET", path="/", **fields):
        self.send(request(method, path, **fields))
        return read_response(self, method)


def get(port, context, path="/", **options):
    with contextlib.closing(TlsClient(port, context, **options)) as client:
        return client.ask(path=path)


def curl(port, *arguments, path="/"):
    done = subprocess.run(["curl", "-s", "-S", "--max-time", "10", *map(str, arguments),
                           f"https://localhost:{port}{path}"], capture_output=True, text=True,
                          timeout=20, check=False)
    return done.stdout + done.stderr


def s_client(port, *arguments, say="", patience=10):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, arguments)],
        input=say, capture_output=True, text=True, errors="replace", timeout=patience,
        check=False)
    return done.stdout + done.stderr


class TlsServer(Server):
    """An origin behind TLS."""

    def __init__(self, context, reply=answer(body=b"secret"), **options):
        self.context = context
        self.names = []
        context.sni_callback = lambda sock, name, _: self.names.append(name)
        super().__init__(reply, **options)

    def accept(self):
        plain = self.sock.accept()[0]
        plain.settimeout(10)
        try:
            wire = OriginWire(self.context.wrap_socket(plain, server_side=True))
        except OSError:
            plain.close()
            raise
        self.accepted.append(wire)
        return wire


def tls_origin(place, pair, ca=None, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.crt, pair.key)
    if ca:
        context.load_verify_locations(ca.crt)
        context.verify_mode = ssl.CERT_REQUIRED
    server = TlsServer(context, **options)
    place.closers.append(server.close)
    return server


def stat(place, name):
    """A counter by the end of its name, from the admin interface."""
    with urllib.request.urlopen(f"http://127.0.0.1:{place.admin_port}/stats?filter={name}") as page:
        lines = page.read().decode().splitlines()
    return sum(int(line.rpartition(": ")[2]) for line in lines if line.partition(":")[0].endswith(name))


def with_admin(place):
    place.admin_port = free_port()
    return {"admin": {"address": bs.address(place.admin_port)}}


def plain_in_front(place, origin, socket_config, **options):
    port = place.port = free_port()
    logs = {"access_log": [bs.file_log(place.log.path, options.pop("log", bs.LOG_LINE))]}
    manager = bs.hcm(**logs, **options.pop("hcm", {}))
    config = bs.bootstrap([bs.listener(port, manager)], [bs.cluster(
        origin.port, transport_socket=socket_config, **options.pop("cluster", {}))])
    config.update(options.pop("more", {}))
    return place.start(config, **options)


def ask_plain(place, **options):
    return place.client().ask(**options)
