"""What takes access logs over gRPC: `weir_report_server`, and what it was told."""

import json
import pathlib
import signal
import subprocess

import bootstrap as bs
from weir_process import free_port, wait_for, weir_binary

HTTP2 = {"typed_extension_protocol_options": {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": bs.V3 + "extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}}}}


class ReportServer:
    def __init__(self, directory, start=True):
        self.port = free_port()
        self.output = pathlib.Path(directory) / f"reports-{self.port}"
        self.process = None
        if start:
            self.start()

    def start(self):
        binary = pathlib.Path(weir_binary()).with_name("weir_report_server")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [binary, f"127.0.0.1:{self.port}"], stdout=output)
        wait_for(lambda: self.lines(), "the report server serves")

    def close(self, number=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def lines(self):
        """What it was told since its last start, in order; the first line is its own."""
        whole = self.output.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def entries(self, count=1, kind="http_logs"):
        """The entries of all messages, once there are at least `count`."""
        def all_entries():
            found = [entry for line in self.lines() for entry in line.get(kind, {}).get("log_entry", [])]
            return len(found) >= count and (found or [None])
        return [entry for entry in wait_for(all_entries, f"{count} entries") if entry]

    def cluster(self, name="collector", **fields):
        return bs.cluster(self.port, name=name, **{**HTTP2, **fields})


def grpc_log(kind="Http", cluster="collector", common=None, condition=None, **fields):
    """An access log that goes to a cluster, soon."""
    config = {"@type": bs.V3 + f"extensions.access_loggers.grpc.v3.{kind}GrpcAccessLogConfig",
              "common_config": {"log_name": "test-log", "transport_api_version": "V3",
                                "grpc_service": {"envoy_grpc": {"cluster_name": cluster}},
                                "buffer_flush_interval": "0.05s", **(common or {})}, **fields}
    return {"name": "envoy.access_loggers.grpc", "typed_config": config,
            **({"filter": condition} if condition else {})}
