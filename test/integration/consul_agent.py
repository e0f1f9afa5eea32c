"""A real Consul agent for one test: built by go_module, on ports of its own, ended by its id, and
started again on the same ports and data. `ask` is any call of its HTTP interface (consul_http.py);
the rest are the calls that tests make often."""

import base64
import itertools
import json
import os
import pathlib
import signal
import subprocess

import go_module
from consul_http import ask
from weir_process import LIBC, PR_SET_PDEATHSIG, free_port, wait_for

MODULE = pathlib.Path(__file__).resolve().parent / "consul"
PORTS = ("http", "server", "serf_lan", "serf_wan")
ROOT_TOKEN = "6f0a5c1e-0000-4000-8000-000000000001"
# Elections and probes at a test's pace. `-dev` has the same, but keeps nothing on disk.
QUICK = {"performance": {"raft_multiplier": 1},
         "gossip_lan": {"gossip_interval": "100ms", "probe_interval": "100ms",
                        "probe_timeout": "100ms", "suspicion_mult": 3}}
IN_ONE_TRANSACTION = 128  # Consul refuses more


def binary():
    """The program; building it takes minutes, once."""
    return go_module.tools(MODULE) / "consul"


class Refused(AssertionError):
    pass


class ConsulAgent:
    """A server that is its own leader; with `join`, an agent without data that asks that server.
    `acl` denies what no token allows, and `token` is the one that may do everything. `config` is
    any other setting of Consul."""

    def __init__(self, directory, name="node-1", join=None, acl=False, start=True, **config):
        self.name, self.join = name, join
        self.root = pathlib.Path(directory) / f"consul-{name}"
        self.data = self.root / "data"
        self.data.mkdir(parents=True)
        self.log = self.root / "log"
        self.ports = {port: free_port() for port in PORTS}
        self.port = self.ports["http"]
        self.token = ROOT_TOKEN if acl else None
        self.process = None
        self._config = self.root / "config.json"
        self._config.write_text(json.dumps(self._settings(acl, config), indent=1))
        if start:
            self.start()

    def _settings(self, acl, config):
        role = {"server": False, "retry_join": [f"127.0.0.1:{self.join.ports['serf_lan']}"],
                "retry_interval": "1s"} if self.join else {"server": True, "bootstrap": True}
        access = {"acl": {"enabled": True, "default_policy": "deny", "tokens": {
            "initial_management": ROOT_TOKEN, "agent": ROOT_TOKEN}}} if acl else {}
        ports = {**self.ports, "dns": -1, "grpc": -1, "grpc_tls": -1, **config.pop("ports", {})}
        return {"node_name": self.name, "datacenter": "dc1", "bind_addr": "127.0.0.1",
                "client_addr": "127.0.0.1", "data_dir": str(self.data), "ports": ports,
                "log_level": "info", "disable_update_check": True, "leave_on_terminate": False,
                "check_update_interval": "0s", **QUICK, **role, **access, **config}

    # its life

    def start(self, ready=True):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [binary(), "agent", "-config-file", self._config], cwd=self.root,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        return self.await_leader() if ready else self

    def await_leader(self):
        """Until it knows a leader and stands itself in the catalogue, so that what is registered
        is seen."""
        wait_for(lambda: self.ready() or not self.alive(), "the agent has a leader", 60)
        assert self.alive(), f"the agent ended:\n{self.log.read_text()[-2000:]}"
        return self

    def ready(self):
        try:
            known = self.ask("GET", f"/v1/health/node/{self.name}", patience=5)
        except OSError:
            return False
        return known.status == 200 and any(
            check["CheckID"] == "serfHealth" for check in known.json() or [])

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def hang(self):
        """Answers nothing and keeps its connections, until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        wait_for(lambda: all(state(task) == "T" for task in tasks.iterdir()), "it is stopped")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        """`SIGKILL` breaks every connection; `SIGTERM` answers what is asked and then ends."""
        if self.alive():
            self.go_on()
            self.process.send_signal(number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return None if self.process is None else self.process.returncode

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        return self.start()

    def close(self):
        self.stop(signal.SIGKILL)

    def processor_seconds(self):
        """What it has used so far."""
        text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # its HTTP interface

    def ask(self, method, path, body=None, token=None, **options):
        return ask(self.port, method, path, body, self.token if token is None else token, **options)

    def get(self, path, **options):
        return self.ask("GET", path, **options).good()

    def put(self, path, body=None, **options):
        answer = self.ask("PUT", path, body, **options)
        if answer.status != 200:
            raise Refused(f"{path}: {answer.status} {answer.text}")
        return answer

    def health(self, service, **query):
        return self.get(f"/v1/health/service/{service}", **query)

    def instances(self, service, **query):
        """(instance, status of each check) of a service as routing sees it."""
        return {entry["Service"]["ID"]: sorted(check["Status"] for check in entry["Checks"])
                for entry in self.health(service, **query).json()}

    # services of this agent

    def register(self, service, port, instance=None, address="127.0.0.1", **fields):
        """`fields` are named as Consul names them: Tags, Meta, Weights, Check, Checks, …"""
        self.put("/v1/agent/service/register", {
            "Name": service, "ID": instance or f"{service}-{port}", "Port": port,
            "Address": address, **fields})

    def deregister(self, instance):
        self.put(f"/v1/agent/service/deregister/{instance}")

    def maintain(self, instance=None, on=True, reason="test"):
        """Maintenance mode of an instance, or of the whole node."""
        path = f"service/maintenance/{instance}" if instance else "maintenance"
        self.put(f"/v1/agent/{path}", enable="true" if on else "false", reason=reason)

    def set_check(self, instance, status, output="", check=None):
        """What a TTL check says now: passing, warning or critical."""
        self.put(f"/v1/agent/check/update/{check or 'service:' + instance}",
                 {"Status": status, "Output": output})

    # the catalogue, as agents elsewhere fill it

    def register_elsewhere(self, instances):
        """Instances (see `elsewhere`) on nodes that no agent is on: many in one transaction."""
        operations = []
        for operation in itertools.chain.from_iterable(instances):
            if "Service" in operation or "Check" in operation or operation not in operations[-3:]:
                operations.append(operation)
        for begin in range(0, len(operations), IN_ONE_TRANSACTION):
            self.put("/v1/txn", operations[begin:begin + IN_ONE_TRANSACTION])

    def deregister_elsewhere(self, node, instance=None):
        """An instance, or the node with everything on it."""
        self.put("/v1/catalog/deregister", {
            "Datacenter": "dc1", "Node": node, **({"ServiceID": instance} if instance else {})})

    # keys, tokens, prepared queries

    def put_key(self, key, value, **query):
        """False when a compare-and-set (`cas`) or a lock did not hold."""
        value = value if isinstance(value, bytes) else value.encode()
        return self.put(f"/v1/kv/{key}", value, **query).json()

    def keys(self, prefix):
        """{key: (value, ModifyIndex)} under a prefix."""
        found = self.ask("GET", f"/v1/kv/{prefix}", recurse=True)
        return {} if found.status == 404 else {
            entry["Key"]: (base64.b64decode(entry["Value"] or ""), entry["ModifyIndex"])
            for entry in found.good().json()}

    def delete_key(self, key, recurse=False):
        query = {"recurse": True} if recurse else {}
        return self.ask("DELETE", f"/v1/kv/{key}", **query).good().json()

    def make_token(self, rules):
        """A token that may do what `rules` (HCL) say; (SecretID, AccessorID)."""
        name = f"policy-{os.urandom(6).hex()}"
        self.put("/v1/acl/policy", {"Name": name, "Rules": rules})
        made = self.put("/v1/acl/token", {"Policies": [{"Name": name}]}).json()
        return made["SecretID"], made["AccessorID"]

    def delete_token(self, accessor):
        self.ask("DELETE", f"/v1/acl/token/{accessor}").good()

    def prepare_query(self, name, service, **fields):
        """A prepared query; `fields` belong to its Service part."""
        return self.ask("POST", "/v1/query", {
            "Name": name, "Service": {"Service": service, **fields}}).good().json()["ID"]


def state(task):
    """The letter of a thread's state: T is stopped."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def ttl(seconds=3600, status="passing", **fields):
    """A check that only `set_check` changes."""
    return {"TTL": f"{seconds}s", "Status": status, **fields}


def http_check(url, interval="100ms", **fields):
    return {"HTTP": url, "Interval": interval, "Timeout": "1s", **fields}


def grpc_check(address, interval="100ms", **fields):
    return {"GRPC": address, "Interval": interval, "Timeout": "1s", **fields}


def elsewhere(node, address, service, port, status="passing", instance=None, **fields):
    """The operations that put one instance with its check on a node, for `register_elsewhere`."""
    instance = instance or f"{service}-{node}"
    verb = {"Verb": "set"}
    return [
        {"Node": {**verb, "Node": {"Node": node, "Address": address}}},
        {"Service": {**verb, "Node": node, "Service": {
            "ID": instance, "Service": service, "Port": port, "Address": address, **fields}}},
        {"Check": {**verb, "Check": {
            "Node": node, "CheckID": f"service:{instance}", "Name": "elsewhere",
            "Status": status, "ServiceID": instance, "ServiceName": service}}}]
