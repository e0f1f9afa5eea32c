"""What the control plane of the suite says: round 0, and what each round changes of every type. The
traffic stays valid in each state, also in a mixture of two rounds."""

import bootstrap as bs
import certificates
import control_plane as cp

# How the log of the control plane calls the types, by the folder that holds their resources.
TYPES = {"clusters": "cluster", "endpoints": "endpoints of cluster", "listeners": "listener",
         "routes": "route configuration", "scoped_routes": "scoped routes",
         "virtual_hosts": "virtual host", "secrets": "secret", "runtime": "runtime layer",
         "extensions": "extension configuration"}
HTTP2 = {"typed_extension_protocol_options": {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": cp.V3 + "extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}}}}
CLUSTERS = {"back": {}, "calls": HTTP2}
MUTATION = bs.FILTERS + "header_mutation.v3.HeaderMutation"
LAYER = "churn"
CERTIFICATES = 4
KEPT = 5  # rounds that a cluster of its own name stays


def header(name, value):
    """A field of responses."""
    return {"header": {"key": name, "value": str(value)},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def telling(name, value):
    return {"response_headers_to_add": [header(name, value)]}


def to_origins():
    """What lasts has no timeout; for all else the runtime chooses between two that are alike."""
    first = {"prefix": "/", "runtime_fraction": {"default_value": {"numerator": 0},
                                                 "runtime_key": "churn.first"}}
    lasting = {"timeout": "0s"}
    return [bs.route("calls", {"path": "/stream"}, lasting),
            bs.route("back", {"path": "/socket"}, lasting),
            bs.route("back", first, **telling("x-runtime", "first")),
            bs.route("back", **telling("x-runtime", "second"))]


def host(name, *domains, **fields):
    return {"name": name, "domains": list(domains), "routes": to_origins(), **fields}


class Script:
    """`ports`: front, secure, scoped. `kind`: how ADS is spoken, `sotw` or `delta`; only the latter
    has virtual hosts on their own. `origins`, their ports, are set before the first round."""

    def __init__(self, plane, ports, directory, kind):
        self.plane, self.ports, self.kind = plane, ports, kind
        self.origins, self.proxy = [], None
        self.authority = certificates.Authority(directory)
        self.pairs = [self.authority.sign(f"pair{number}") for number in range(CERTIFICATES)]
        self.types = [one for one in TYPES if kind == "delta" or one != "virtual_hosts"]

    def bootstrap(self, admin_port):
        made = bs.bootstrap([], [cp.xds_cluster(self.plane)])
        made.update(cp.dynamic(self.kind, lds_config=cp.source("ads")))
        made["admin"] = {"address": bs.address(admin_port)}
        made["layered_runtime"] = {"layers": [{"name": LAYER, "rtds_layer": {
            "name": LAYER, "rtds_config": cp.source("ads")}}]}
        return made

    def put(self, number):
        """Round `number`. What a type needs of another is there since round 0."""
        for folder in self.types:
            for resource in getattr(self, folder)(number):
                self.plane.put(folder, resource)
        if number >= KEPT:
            self.plane.remove("clusters", f"extra{number - KEPT}")

    def clusters(self, number):
        """The two that serve, changed, and one that comes and goes."""
        yield bs.cluster(self.origins[0], name=f"extra{number}")
        for name, fields in CLUSTERS.items():
            yield {**cp.eds_cluster(name, **fields), "connect_timeout": f"{5000 + number % 1000}ms"}

    def endpoints(self, number):
        """Each time others of the three, never none."""
        some = [number % 7 + 1 >> bit & 1 for bit in range(3)]
        ports = [port for port, used in zip(self.origins, some) if used]
        for name in CLUSTERS:
            yield cp.endpoints(name, *ports)

    def listeners(self, number):
        front, secure, scoped = self.ports
        socket = certificates.downstream(common={
            "alpn_protocols": ["h2", "http/1.1"], "tls_certificate_sds_secret_configs": [
                {"name": "pair", "sds_config": cp.source("ads")}]})
        yield self.listener(number, cp.listener(front, "front", **self.manager()))
        yield self.listener(number, cp.listener(secure, "secure", **self.manager()), socket)
        by_scope = cp.listener(scoped, "scoped", **self.manager())
        config = by_scope["filter_chains"][0]["filters"][0]["typed_config"]
        del config["rds"]
        config["scoped_routes"] = {
            "name": "scopes", "rds_config_source": cp.source("ads"),
            "scope_key_builder": {"fragments": [
                {"header_value_extractor": {"name": "Host", "index": 0}}]},
            "scoped_rds": {"scoped_rds_config_source": cp.source("ads")}}
        yield self.listener(number, by_scope)

    def manager(self):
        discovered = {"name": "told", "config_discovery": {
            "config_source": cp.source("ads"), "type_urls": [MUTATION]}}
        return {"filters": [discovered], "upgrade_configs": [{"upgrade_type": "websocket"}]}

    @staticmethod
    def listener(number, made, socket=None):
        """The chain that serves stays as it is; the other one is for nobody, and new each round."""
        more = bs.chain(bs.hcm(hosts=[host("nobody", "*")], stat_prefix="nobody"),
                        match={"server_names": [f"round{number}.example"]})
        made["filter_chains"].append(more)
        made["listener_filters"] = [bs.listener_filter("tls_inspector.v3.TlsInspector")]
        if socket:
            for chain in made["filter_chains"]:
                chain["transport_socket"] = socket
        return made

    def routes(self, number):
        made = {"name": "routes", **telling("x-route", number), "virtual_hosts": [
            host("all", "*"), host("extra", f"extra{number}.example")]}
        if self.kind == "delta":
            made["vhds"] = {"config_source": cp.source("ads")}
        else:
            made["virtual_hosts"].append(host("more", "more.example"))
        yield made
        for half in range(2):
            yield {"name": f"half{half}", **telling("x-scope", half), "virtual_hosts": [
                host("all", "*", **telling("x-route", number))]}

    @staticmethod
    def scoped_routes(number):
        """One key's routes change; both route configurations are in use all the time."""
        for name, half in (("scoped", number % 2), ("first", 0), ("second", 1)):
            yield {"name": name, "route_configuration_name": f"half{half}",
                   "key": {"fragments": [{"string_key": f"{name}.example"}]}}

    @staticmethod
    def virtual_hosts(number):
        yield host("routes/more", "more.example", **telling("x-host", number))

    def secrets(self, number):
        pair = self.pairs[number % CERTIFICATES]
        yield {"name": "pair", "tls_certificate": {
            "certificate_chain": {"inline_string": pair.crt.read_text()},
            "private_key": {"inline_string": pair.key.read_text()}}}

    @staticmethod
    def runtime(number):
        yield {"name": LAYER, "layer": {"churn": {"first": number % 2 * 100, "round": number}}}

    @staticmethod
    def extensions(number):
        yield {"name": "told", "typed_config": {"@type": MUTATION, "mutations": {
            "response_mutations": [{"append": header("x-extension", number)}]}}}
