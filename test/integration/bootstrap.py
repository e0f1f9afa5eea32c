"""Builds bootstrap configurations as the dictionaries that YAML reads; the names follow the v3 API.
Each function takes what tests vary and passes any other field through as it is."""

import itertools

V3 = "type.googleapis.com/envoy."
HCM = V3 + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
FILTERS = V3 + "extensions.filters.http."
ROUTER = {"name": "envoy.filters.http.router",
          "typed_config": {"@type": FILTERS + "router.v3.Router"}}
LOG_LINE = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT%"

_names = itertools.count()


def address(where):
    """A port on 127.0.0.1, (host, port), or the path of a unix socket."""
    if isinstance(where, int):
        where = ("127.0.0.1", where)
    if isinstance(where, tuple):
        return {"socket_address": {"address": where[0], "port_value": where[1]}}
    return {"pipe": {"path": str(where)}}


def http_filter(name, message, **fields):
    return {"name": name, "typed_config": {"@type": FILTERS + message, **fields}}


def file_log(path, line=LOG_LINE, **fields):
    """An access log in a file; `line` None keeps the default format."""
    config = {"@type": V3 + "extensions.access_loggers.file.v3.FileAccessLog", "path": str(path)}
    if line:
        config["log_format"] = {"text_format_source": {"inline_string": line + "\n"}}
    return {"name": "envoy.access_loggers.file", "typed_config": config, **fields}


def route(cluster="origin", match=None, action=None, **fields):
    """Everything to `cluster`, unless told otherwise; `action` are fields of the RouteAction."""
    return {"match": match or {"prefix": "/"}, "route": {"cluster": cluster, **(action or {})},
            **fields}


def virtual_host(routes=None, domains=("*",), **fields):
    return {"name": f"host-{next(_names)}", "domains": list(domains),
            "routes": routes or [route()], **fields}


def hcm(routes=None, hosts=None, filters=(), route_config=None, **fields):
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": HCM,
            "stat_prefix": "test",
            "route_config": {"virtual_hosts": hosts or [virtual_host(routes)],
                             **(route_config or {})},
            "http_filters": [*filters, ROUTER],
            **fields,
        },
    }


def network_filter(message, **fields):
    """A network filter by its message, `rbac.v3.RBAC`."""
    return {"name": message.split(".", maxsplit=1)[0],
            "typed_config": {"@type": V3 + "extensions.filters.network." + message, **fields}}


def tcp_proxy(cluster="origin", **fields):
    where = {} if cluster is None else {"cluster": cluster}
    return network_filter("tcp_proxy.v3.TcpProxy", stat_prefix="test", **where, **fields)


def listener_filter(message, **fields):
    """A listener filter by its message, `tls_inspector.v3.TlsInspector`."""
    return {"name": message.split(".", maxsplit=1)[0],
            "typed_config": {"@type": V3 + "extensions.filters.listener." + message, **fields}}


def chain(*filters, match=None, **fields):
    return {"filters": list(filters), **({"filter_chain_match": match} if match else {}), **fields}


def listener(where, manager=None, **fields):
    return {"name": f"listener-{next(_names)}", "address": address(where),
            "filter_chains": [{"filters": [manager or hcm()]}], **fields}


def endpoint(where, weight=None):
    return {"endpoint": {"address": address(where)},
            **({"load_balancing_weight": weight} if weight else {})}


def cluster(*where, name="origin", kind="STATIC", weights=None, **fields):
    """A cluster of the given endpoints, see `address`."""
    endpoints = [endpoint(one, weights and weights[i]) for i, one in enumerate(where)]
    return {"name": name, "type": kind, "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
            **fields}


def thresholds(**limits):
    return {"circuit_breakers": {"thresholds": [limits]}}


def bootstrap(listeners, clusters, **fields):
    resources = {"listeners": list(listeners), "clusters": list(clusters)}
    return {"static_resources": resources, **fields}
