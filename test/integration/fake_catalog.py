"""What a fake Consul holds of one datacenter: services with their checks, keys, and the index of
each part, moved as Consul moves them. `watched` names what a question depends on."""

import base64
import collections

NODE, NODE_ID = "node-1", "00000000-0000-4000-8000-000000000001"
OWN = ("ID", "Service", "Tags", "Meta", "Port", "Address", "TaggedAddresses", "Weights",
       "EnableTagOverride")
NODE_ADDRESSES = ("lan", "lan_ipv4", "wan", "wan_ipv4")


class Found:
    """The answer to one question now: `value` makes the JSON; `index` None cannot be waited for."""

    def __init__(self, index, watched, value, status=200, backend="blocking-query"):
        self.index, self.watched, self.value = index, watched, value
        self.status, self.backend = status, backend


def streamed(entry):
    """As Consul's streaming backend says it: no empty Meta."""
    service = entry["Service"]
    return {**entry, "Service": {**service, "Meta": service["Meta"] or None}}


def check_of(instance, status, check_id=None, node_check=False, **fields):
    service = instance["Service"]
    return {
        "Node": instance["Node"]["Node"],
        "CheckID": check_id or ("serfHealth" if node_check else f"service:{service['ID']}"),
        "Name": "Serf Health Status" if node_check else f"Service '{service['Service']}' check",
        "Status": status, "Notes": "", "Output": "",
        "ServiceID": "" if node_check else service["ID"],
        "ServiceName": "" if node_check else service["Service"],
        "ServiceTags": [] if node_check else service["Tags"],
        "Type": "" if node_check else "ttl", "Interval": "", "Timeout": "", "ExposedPort": 0,
        "Definition": {}, **fields}


def without_indexes(value):
    if isinstance(value, dict):
        return {name: without_indexes(one) for name, one in value.items()
                if name not in ("CreateIndex", "ModifyIndex")}
    return [without_indexes(one) for one in value] if isinstance(value, list) else value


def executed(entry):
    """As a prepared query says it: no empty lists."""
    service = entry["Service"]
    return {**entry, "Service": {**service, "Tags": service["Tags"] or None},
            "Checks": [{**check, "ServiceTags": check["ServiceTags"] or None}
                       for check in entry["Checks"]]}


class Catalog:
    """Each change returns the names of what it moved. Not for two threads at once: FakeConsul has
    the lock."""

    def __init__(self, datacenter="dc1", index=20):
        self.datacenter = datacenter
        self.index = index
        self.instances = collections.defaultdict(dict)  # service -> {ID: entry}
        self.keys = {}
        self.indexes = {}  # watched -> index, where it is not the first
        self.first = index

    def _moved(self, *watched):
        for name in watched:
            self.indexes[name] = self.index
        return watched

    def index_of(self, *watched):
        return max(self.indexes.get(name, self.first) for name in watched)

    # changes

    def put(self, service, port=0, instance=None, status="passing", address="", tags=(), meta=None,
            weights=(1, 1), node=NODE, node_address="127.0.0.1", checks=None, **fields):
        """An instance, new or other than before. `checks` are statuses, else there is one of
        `status`; the node's own check is always there. `fields` are more of Service; a port of 0
        is left out, as Consul does."""
        where = {"Address": address, "Port": port}
        entry = {
            "Node": {"ID": NODE_ID, "Node": node, "Address": node_address,
                     "Datacenter": self.datacenter,
                     "TaggedAddresses": {name: node_address for name in NODE_ADDRESSES},
                     "Meta": {"consul-network-segment": "", "consul-version": "1.22.0"}},
            "Service": {
                "ID": instance or f"{service}-{port}", "Service": service, "Tags": list(tags),
                "Address": address, "Meta": dict(meta or {}),
                "Weights": {"Passing": weights[0], "Warning": weights[1]},
                "EnableTagOverride": False,
                "Proxy": {"Mode": "", "MeshGateway": {}, "Expose": {}}, "Connect": {},
                "PeerName": "", **({"Port": port} if port else {}),
                **({"TaggedAddresses": {"lan_ipv4": where, "wan_ipv4": where}} if address else {}),
                **fields}}
        name = f"service:{entry['Service']['ID']}"
        entry["Checks"] = [check_of(entry, "passing", node_check=True)] + [
            check_of(entry, one, f"{name}:{place}" if place else name)
            for place, one in enumerate([status] if checks is None else checks)]
        return self._put(entry)

    def _put(self, entry):
        service = entry["Service"]
        before = self.instances[service["Service"]].get(service["ID"])
        if before and without_indexes(before) == entry:
            return ()
        self.index += 1
        entry["Node"].update(CreateIndex=self.first, ModifyIndex=self.first)
        created = before["Service"]["CreateIndex"] if before else self.index
        for part in (service, *entry["Checks"]):
            part.update(CreateIndex=created, ModifyIndex=self.index)
        self.instances[service["Service"]][service["ID"]] = entry
        return self._moved(f"health {service['Service']}", "services", "checks")

    def set_check(self, instance, status, output="", place=-1):
        """The last check of an instance, or the one at `place` (0 is the node's)."""
        entry = next(held[instance] for held in self.instances.values() if instance in held)
        check = entry["Checks"][place]
        if (check["Status"], check["Output"]) == (status, output):
            return ()
        self.index += 1
        check.update(Status=status, Output=output, ModifyIndex=self.index)
        return self._moved(f"health {entry['Service']['Service']}", "checks")

    def remove(self, instance):
        """Nothing happens when there is none, as when a service deregisters twice."""
        for service, held in self.instances.items():
            if held.pop(instance, None):
                self.index += 1
                gone = () if held else ("extinction",)
                return self._moved(f"health {service}", "services", "checks", *gone)
        return ()

    def put_key(self, key, value, flags=0):
        self.index += 1
        value = value if isinstance(value, bytes) else value.encode()
        created = self.keys.get(key, {}).get("CreateIndex", self.index)
        self.keys[key] = {
            "LockIndex": 0, "Key": key, "Flags": flags,
            "Value": base64.b64encode(value).decode() if value else None,
            "CreateIndex": created, "ModifyIndex": self.index}
        return self._moved("keys", f"key {key}")

    def delete_key(self, key):
        if self.keys.pop(key, None) is None:
            return ()
        self.index += 1
        return self._moved("keys", f"key {key}")

    def rewind(self, index):
        """As if an old snapshot were restored: what is there stays, every index is `index`."""
        watched = tuple(self.indexes)
        self.index = self.first = index
        self.indexes = {}
        return watched + ("services", "checks", "keys", "extinction")

    # questions

    def health(self, service, keep, waits=False):
        """An unknown service has the index of the last one that went away, as in Consul, and a
        query with an index is answered by Consul's streaming backend."""
        held = self.instances.get(service, {})
        name = f"health {service}"
        index = self.index_of(name) if held else self.index_of("extinction")
        return Found(index, (name, "extinction"), lambda: [
            streamed(entry) if waits else entry
            for _, entry in sorted(held.items()) if keep(entry)],
            backend="streaming" if waits else "blocking-query")

    def services(self):
        def tags():
            found = {"consul": []}
            for service, held in self.instances.items():
                if held:
                    found[service] = sorted({tag for entry in held.values()
                                             for tag in entry["Service"]["Tags"]})
            return found
        return Found(self.index_of("services"), ("services",), tags)

    def checks(self, state):
        """Each once: several instances may be on one node, which has one check of its own."""
        def all_checks():
            found = {(check["Node"], check["CheckID"]): check
                     for held in self.instances.values() for entry in held.values()
                     for check in entry["Checks"]}
            return [check for check in found.values() if state in ("any", check["Status"])]
        return Found(self.index_of("checks"), ("checks",), all_checks)

    def under(self, prefix, recurse, names_only):
        """Keys; nothing found is 404 without a body."""
        found = [entry for key, entry in sorted(self.keys.items())
                 if (key.startswith(prefix) if recurse or names_only else key == prefix)]
        touched = [name for name in self.indexes
                   if name.startswith("key " + prefix) and (recurse or name == "key " + prefix)]
        index = self.index_of(*touched) if touched else self.index_of("keys")
        if not found:
            return Found(index, ("keys",), lambda: None, 404)
        return Found(index, ("keys",), lambda: [
            entry["Key"] if names_only else entry for entry in found])

    def own(self, instance):
        """What the agent says of an instance that is registered with it; None without."""
        for held in self.instances.values():
            if instance in held:
                said = {name: value for name, value in held[instance]["Service"].items()
                        if name in OWN}
                return {**said, "ContentHash": "0", "Datacenter": self.datacenter}
        return None

    def execute(self, service):
        """A prepared query: only what does not fail, and nothing to wait for."""
        def result():
            entries = [executed(entry) for entry in self.health(service, lambda _: True).value()
                       if all(check["Status"] != "critical" for check in entry["Checks"])]
            return {"Service": service, "Nodes": entries, "DNS": {"TTL": ""},
                    "Datacenter": self.datacenter, "PeerName": "", "Failovers": 0, "Index": 1,
                    "LastContact": 0, "KnownLeader": True, "ConsistencyLevel": "leader",
                    "NotModified": False, "Backend": 0, "ResultsFilteredByACLs": False}
        return Found(None, (), result if service else lambda: "Query not found",
                     200 if service else 404)
