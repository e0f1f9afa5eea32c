"""A control plane for one test: `weir_xds_server` on a directory that the test writes."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.request

import pytest

import bootstrap as bs
from weir_process import free_port, wait_for, weir_binary

V3 = "type.googleapis.com/envoy."
FOLDERS = {"clusters": "config.cluster.v3.Cluster",
           "endpoints": "config.endpoint.v3.ClusterLoadAssignment",
           "listeners": "config.listener.v3.Listener",
           "routes": "config.route.v3.RouteConfiguration",
           "scoped_routes": "config.route.v3.ScopedRouteConfiguration",
           "secrets": "extensions.transport_sockets.tls.v3.Secret",
           "virtual_hosts": "config.route.v3.VirtualHost",
           "runtime": "service.runtime.v3.Runtime",
           "extensions": "config.core.v3.TypedExtensionConfig"}
NAMES = {"endpoints": "cluster_name"}
BEHIND = ["nice", "-n", "10"]
EVERY_WAY = pytest.mark.parametrize(
    "kind,ads", [("sotw", True), ("delta", True), ("sotw", False), ("delta", False)],
    ids=["ads", "delta ads", "streams", "delta streams"])


# Of a bootstrap: a removed cluster is gone, whatever routes name it.
AT_ONCE = {"layered_runtime": {"layers": [
    {"name": "static", "static_layer": {"weir.removed_cluster_ms": 0}}]}}


class ControlPlane:
    """Its resources are files; `said()` is what the proxies asked and answered. `behind`: it runs
    behind the proxies, as if it had a machine of its own."""

    def __init__(self, directory, behind=False):
        self.command = [*(BEHIND if behind else ()),
                        pathlib.Path(weir_binary()).with_name("weir_xds_server")]
        self.root = pathlib.Path(directory) / "xds"
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True)
        self.port = free_port()
        self.log = self.root.with_name("xds.log")
        self.process = None
        self.start()

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, self.root, f"127.0.0.1:{self.port}"], stdout=log, stderr=log)
        wait_for(lambda: "serving" in self.log.read_text(), "the control plane serves")

    def stop(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()

    def put(self, folder, resource):
        """Adds or changes one, as a whole: no half file is ever seen."""
        name = resource[NAMES.get(folder, "name")]
        path = self.path(folder, name)
        fresh = path.with_name("." + path.name)
        fresh.write_text(json.dumps(resource))
        os.replace(fresh, path)

    def remove(self, folder, name):
        self.path(folder, name).unlink()

    def path(self, folder, name):
        return self.root / folder / f"{name.replace('/', ' ')}.json"

    def clear(self):
        for folder in FOLDERS:
            shutil.rmtree(self.root / folder)
            (self.root / folder).mkdir()

    def said(self):
        return self.log.read_text().splitlines()[1:]

    def refusals(self):
        return [line for line in self.said() if "NACK" in line]


def source(kind):
    """A ConfigSource: `ads`, or a stream of its own: `sotw`, `delta`."""
    if kind == "ads":
        return {"ads": {}, "resource_api_version": "V3"}
    return {"resource_api_version": "V3", "api_config_source": service(kind)}


def service(kind):
    return {"api_type": {"sotw": "GRPC", "delta": "DELTA_GRPC"}[kind],
            "transport_api_version": "V3", "set_node_on_first_message_only": True,
            "grpc_services": [{"envoy_grpc": {"cluster_name": "xds_cluster"}}]}


def dynamic(kind="sotw", ads=True, **fields):
    """What of a bootstrap makes it follow the control plane, as a dictionary."""
    resources = {"cds_config": source("ads" if ads else kind)}
    if ads:
        resources["ads_config"] = service(kind)
    resources.update(fields)
    return {"node": {"id": "test-id", "cluster": "test-cluster"}, "dynamic_resources": resources}


def xds_cluster(plane):
    return bs.cluster(plane.port, name="xds_cluster", typed_extension_protocol_options={
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": V3 + "extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}})


def eds_cluster(name="back", kind="ads", **fields):
    return {"name": name, "type": "EDS", "connect_timeout": "1s",
            "eds_cluster_config": {"eds_config": source(kind)}, **fields}


def endpoints(name, *ports):
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": bs.address(port)}} for port in ports]}]}


def listener(port, name="front", routes="routes", kind="ads", **hcm):
    """A listener whose routes come from the control plane."""
    manager = bs.hcm(**hcm)
    config = manager["typed_config"]
    del config["route_config"]
    config["rds"] = {"route_config_name": routes, "config_source": source(kind)}
    return bs.listener(port, manager, name=name)


def routes(cluster="back", name="routes", **fields):
    return {"name": name, "virtual_hosts": [bs.virtual_host([bs.route(cluster)])], **fields}


def page(place, path):
    """A page of the admin interface that is JSON."""
    with urllib.request.urlopen(f"http://127.0.0.1:{place.admin_port}{path}", timeout=5) as answer:
        return json.load(answer)


def named(place, name):
    """An origin that says its name."""
    return place.server(f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode())


def says(place, port=None):
    """What a request on a new connection is answered: its body, or another status than 200."""
    try:
        response = place.client(port).ask()
    except (ConnectionError, EOFError):
        return None
    return response.body.decode() if response.status == 200 else response.status
