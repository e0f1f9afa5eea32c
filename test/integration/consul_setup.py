"""Proxies that follow a Consul agent: what of their configuration the tests share."""

import re

import bootstrap as bs
from tls_tools import stat, with_admin
from weir_process import free_port

V1 = "type.googleapis.com/weir.consul.v1."
AGENT = "consul"  # the cluster that reaches it


def agent(cluster=AGENT, **fields):
    """The bootstrap extension; `fields` are those of weir.consul.v1.Consul."""
    return {"name": "weir.bootstrap.consul",
            "typed_config": {"@type": V1 + "Consul", "agent_cluster": cluster, **fields}}


def cluster(name="back", instances=None, **fields):
    """Of the instances of `web`; `instances` are fields of weir.consul.v1.ConsulCluster."""
    chosen = dict(instances or {})
    if "prepared_query" not in chosen:
        chosen.setdefault("service", "web")
    return {"name": name, "connect_timeout": "1s",
            "cluster_type": {"name": "weir.clusters.consul",
                             "typed_config": {"@type": V1 + "ConsulCluster", **chosen}}, **fields}


def bootstrap(place, port, clusters, routes=None, **fields):
    """A listener on place.port, everything to `back`; `port` is the agent's, `fields` are those of
    the extension."""
    place.port = place.port or free_port()
    made = bs.bootstrap(
        [bs.listener(place.port, bs.hcm(routes=routes or [bs.route("back")]))],
        [bs.cluster(port, name=AGENT, connect_timeout="1s"), *clusters],
        bootstrap_extensions=[agent(**fields)])
    made.update(with_admin(place))
    return made


def follow(place, consul, *clusters, more=None, ready=True, arguments=(), **fields):
    """A proxy on that; `more` are fields of the bootstrap."""
    config = bootstrap(place, consul.port, clusters or [cluster()], **fields)
    config.update(more or {})
    return place.start(config, ready=ready, arguments=arguments)


def page(place, path):
    """Of the admin interface, as text."""
    with place.client(place.admin_port) as client:
        return client.ask(host="localhost", path=path).body.decode()


def endpoints(place, field, name="back"):
    """What /clusters says of each endpoint: {address: value of a field}."""
    line = re.compile(rf"^{name}::([\d.]+:\d+)::{field}::(.*)$", re.MULTILINE)
    return dict(line.findall(page(place, "/clusters")))


def addresses(place, name="back"):
    return sorted(endpoints(place, "weight", name))


def number(place, name):
    """A counter or gauge below `consul.`, by its whole name there."""
    return stat(place, f"consul.{name}")
