"""What a case happens on: a proxy that has everything from a control plane, a relay between the
two, and requests that go on all the time, each of which must be answered."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

import bootstrap as bs
import control_plane as cp
from raw_client import fetch
from relay import Relay
from weir_process import Weir, free_port, is_sanitized, wait_for, weir_binary

HERE = pathlib.Path(__file__).resolve().parent
BACK_OFF = {"base_interval": "0.05s", "max_interval": "0.3s"}
QUICK = {"interval": "0.3s", "timeout": "0.3s"}
REACHED = 0.5  # of the requests that were wanted: less proves nothing


def slowness():
    """How much longer the proxy may take for what it does itself: with a sanitizer, ten times."""
    return 10 if is_sanitized(weir_binary()) else 1


class Peer:
    """The process that asks, and answers as the origins; see peer.py."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, HERE / "peer.py"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.one, self.two = self._answer()

    def _answer(self):
        return json.loads(self.process.stdout.readline())

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop_asking(self):
        self.tell("stop")
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


class Stage:
    def __init__(self, directory, kind="sotw", keepalive=QUICK, state=False):
        self.directory = pathlib.Path(directory)
        self.kind, self.keepalive, self.state = kind, keepalive, state
        self.notes = []  # figures worth printing
        self.weir = None
        self.versions = 1  # of the cluster
        self.began = None  # since when requests are made
        self.closers = []

    def __enter__(self):
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _begin(self):
        self.peer = self._closed(Peer())
        self.plane = cp.ControlPlane(self.directory)
        self.closers.append(self._end_plane)
        self.relay = self._closed(Relay(self.plane.port))
        self.port, self.admin_port = free_port(), free_port()
        self.plane.put("clusters", cp.eds_cluster())
        self.plane.put("endpoints", cp.endpoints("back", self.peer.one))
        self.plane.put("routes", cp.routes())
        self.plane.put("listeners", cp.listener(self.port))
        self.start()
        wait_for(lambda: self.body() == b"one", "the first configuration")
        self.ask()

    def _closed(self, thing):
        self.closers.append(thing.close)
        return thing

    def _end_plane(self):
        if self.plane.process.poll() is None:
            self.plane.process.kill()
            self.plane.process.wait()

    def start(self):
        arguments = ["--state-dir", self.directory / "state"] if self.state else []
        self.weir = Weir(self.config(), self.directory, arguments)
        return self.weir

    def config(self):
        http2 = {"connection_keepalive": self.keepalive} if self.keepalive else {}
        cluster = bs.cluster(self.relay.port, name="xds_cluster", connect_timeout="1s")
        cluster["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": cp.V3 + "extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2}}}
        made = bs.bootstrap([], [cluster])
        made.update(cp.dynamic(self.kind, lds_config=cp.source("ads")))
        service = made["dynamic_resources"]["ads_config"]["grpc_services"][0]["envoy_grpc"]
        service["retry_policy"] = {"retry_back_off": BACK_OFF}
        made["admin"] = {"address": bs.address(self.admin_port)}
        return made

    @property
    def delta(self):
        return self.kind == "delta"

    # --- what a case looks at
    def body(self):
        """What a new connection is answered; nothing when it is not."""
        try:
            response = fetch(self.port)
        except (OSError, EOFError):
            return None
        return response.body if response.status == 200 else None

    def page(self, path):
        url = f"http://127.0.0.1:{self.admin_port}{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()

    def stat(self, name):
        for line in self.page(f"/stats?filter=^{name}$").splitlines():
            return int(line.rpartition(": ")[2])
        raise AssertionError(f"there is no stat {name}")

    def logged(self, *texts, patience=20):
        """Waits until the proxy has said each of them."""
        for text in texts:
            wait_for(lambda t=text: t in self.weir.output(), f"'{text}' in the log", patience)

    def counted(self, name, at_least, patience=20):
        wait_for(lambda: self.stat(name) >= at_least, f"{name} >= {at_least}", patience)

    def serves(self):
        """Whatever has happened: it is live, says so, and shows what is in force."""
        assert self.page("/ready").startswith("LIVE")
        clusters = self.page("/config_dump?resource=dynamic_active_clusters")
        assert '"back"' in clusters, clusters[:300]
        assert self.body() in (b"one", b"two")

    def state_files(self):
        """The types of which something is saved."""
        return {path.name.partition("-")[0] for path in (self.directory / "state").glob("[!.]*")}

    def memory(self):
        """MiB that are private and resident."""
        return self.weir.memory_kib() / 1024

    def peak(self):
        """MiB that were ever resident."""
        text = pathlib.Path(f"/proc/{self.weir.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines()
                    if line.startswith("VmHWM:")) / 1024

    def note(self, text):
        self.notes.append(text)

    # --- requests
    def ask(self):
        self.began = time.monotonic()
        self.peer.tell(f"ask {self.port}")

    def stop_asking(self):
        """Each request must have been answered. The seconds that 99 of 100 took at most."""
        seconds = time.monotonic() - self.began
        found = self.peer.stop_asking()
        took = sorted(found["took"])
        assert not found["failed"], f"{found['failed']} requests failed: {found['errors']}"
        assert len(took) >= REACHED * 100 * seconds, f"{len(took)} requests in {seconds:.1f} s"
        p99 = took[int(len(took) * 0.99)]
        self.note(f"{len(took)} requests, p99 {p99 * 1000:.1f} ms, "
                  f"slowest {took[-1] * 1000:.0f} ms")
        return p99

    # --- how a case ends
    def recovers(self, patience=20):
        """The next good configuration is taken: of the type that was at fault, and of another."""
        modified = self.stat("cluster_manager.cluster_modified")
        if self.plane.process.poll() is not None:
            self.plane.start()
        self.relay.to(self.relay.forward)
        self.versions += 1
        self.plane.put("clusters", cp.eds_cluster(connect_timeout=f"{self.versions}s"))
        self.plane.put("endpoints", cp.endpoints("back", self.peer.two))
        wait_for(lambda: self.body() == b"two", "the next good configuration", patience)
        self.counted("cluster_manager.cluster_modified", modified + 1)
        wait_for(lambda: self.stat("control_plane.connected_state") == 1, "one stream is open")

    def ends_well(self):
        code = self.weir.stop()
        assert code == 0, f"exit code {code}: {self.weir.output()[-2000:]}"
        assert not self.weir.finding(), self.weir.finding()[:4000]

    def close(self):
        if self.weir is not None and self.weir.alive():
            self.weir.process.kill()
            self.weir.wait()
        for close in reversed(self.closers):
            close()
        self.closers = []
