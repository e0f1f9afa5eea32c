"""What Weir asks Consul for a cluster, and what it makes of an instance: its address, its priority,
its weight. The agent is scripted."""

import consul_setup as cs
import pytest
from consul_setup import addresses, endpoints, number
from control_plane import named, says
from test_health import shares
from tls_tools import stat
from weir_process import free_port, wait_for

SERVICE, NODE, TAGGED = "127.0.0.2", "127.0.0.3", "127.0.0.4"
QUESTION = "/v1/health/service/web"


def asked(consul, path=QUESTION):
    """The parameters of all questions so far; index and wait are how, not what."""
    return [{name: values for name, values in one.query.items() if name not in ("index", "wait")}
            for one in consul.asked(path)]


def origin_at(place, name, host, port=0):
    text = f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode()
    return place.server(text, host=host, port=port)


@pytest.mark.parametrize("instances,extension,question", [
    ({}, {}, {"passing": [""]}),
    ({"passing_only": False}, {}, {}),
    ({"tags": ["a", "b c"]}, {}, {"passing": [""], "tag": ["a", "b c"]}),
    ({"filter": 'Service.Meta.version == "2" and "x&y" in Service.Tags'}, {},
     {"passing": [""], "filter": ['Service.Meta.version == "2" and "x&y" in Service.Tags']}),
    ({"near": "_agent"}, {}, {"passing": [""], "near": ["_agent"]}),
    ({}, {"datacenter": "dc1"}, {"passing": [""], "dc": ["dc1"]}),
    ({"datacenter": "dc1"}, {"datacenter": "dc9"}, {"passing": [""], "dc": ["dc1"]}),
    ({}, {"namespace": "n", "partition": "p"}, {"passing": [""], "ns": ["n"], "partition": ["p"]}),
    ({}, {"consistency": "STALE"}, {"passing": [""], "stale": [""]}),
    ({}, {"consistency": "CONSISTENT"}, {"passing": [""], "consistent": [""]}),
], ids=["usual", "all", "tags", "filter", "near", "datacenter", "its own datacenter", "namespace",
        "stale", "consistent"])
def test_the_question(place, consul, instances, extension, question):
    one = named(place, "one")
    consul.put("web", one.port, tags=["a", "b c"], address="127.0.0.1")
    cs.follow(place, consul, cs.cluster(instances=instances), **extension)
    assert says(place) == "one"
    wait_for(lambda: consul.held == 1, "it waits")
    assert asked(consul) and all(one == question for one in asked(consul))


def test_questions_wait(place, consul):
    """The first one does not: what is there is wanted now."""
    cs.follow(place, consul, wait="20s")
    wait_for(lambda: consul.held == 1, "it waits")
    first, *rest = consul.asked(QUESTION)
    assert "index" not in first.query and rest
    assert all(one.index == consul.catalog.index and one.wait == 20 for one in rest)


def test_the_cache_is_asked_only_by_questions_that_wait(place, consul):
    cs.follow(place, consul, use_cache=True)
    wait_for(lambda: consul.held == 1, "it waits")
    assert all(("cached" in one.query) == bool(one.index) for one in consul.asked(QUESTION))


def test_a_name_that_has_to_be_escaped(place, consul):
    one = named(place, "one")
    consul.put("a b ü?x", one.port, "a", address="127.0.0.1")
    cs.follow(place, consul, cs.cluster(instances={"service": "a b ü?x"}))
    assert says(place) == "one"


def test_tags_and_filters_choose(place, consul):
    one, two, three = (named(place, name) for name in ("one", "two", "three"))
    consul.put("web", one.port, address="127.0.0.1", tags=["a", "b"])
    consul.put("web", two.port, address="127.0.0.1", tags=["a"])
    consul.put("web", three.port, address="127.0.0.1", tags=["a", "b"], meta={"old": "yes"})
    consul.filters["not old"] = lambda entry: "old" not in entry["Service"]["Meta"]
    cs.follow(place, consul, cs.cluster(instances={"tags": ["a", "b"], "filter": "not old"}))
    assert shares(place.client(), 10) == {"one": 10}
    consul.put("web", two.port, address="127.0.0.1", tags=["b", "a"])
    wait_for(lambda: shares(place.client(), 10) == {"one": 5, "two": 5}, "another has the tags")


@pytest.mark.parametrize("chosen,fields,expected", [
    ({}, {"address": SERVICE}, SERVICE),
    ({}, {"address": ""}, NODE),
    ({"address": "SERVICE"}, {"address": ""}, NODE),
    ({"address": "NODE"}, {"address": SERVICE}, NODE),
    ({"tagged_address": "own"}, {"address": SERVICE, "own": True}, TAGGED),
    ({"tagged_address": "lan"}, {"address": SERVICE}, NODE),
], ids=["its own", "none of its own", "none, and so said", "its node's", "by name",
        "its node's by name"])
def test_which_address_is_used(place, consul, chosen, fields, expected):
    port = free_port()
    for host in (SERVICE, NODE, TAGGED):
        origin_at(place, host, host, port)
    fields = dict(fields)
    if fields.pop("own", False):
        fields["TaggedAddresses"] = {"own": {"Address": TAGGED, "Port": port}}
    consul.put("web", port, node_address=NODE, **fields)
    cs.follow(place, consul, cs.cluster(instances=chosen))
    assert says(place) == expected
    assert addresses(place) == [f"{expected}:{port}"]


def test_what_cannot_be_reached_is_left_out_and_counted(place, consul):
    one = named(place, "one")
    consul.put("web", one.port, "a-good", address="127.0.0.1")
    consul.put("web", one.port, "b-same", address="127.0.0.1")
    consul.put("web", 0, "c-portless", address="127.0.0.1")
    consul.put("web", 80, "d-named", address="somewhere.example")
    weir = cs.follow(place, consul)
    assert says(place) == "one" and addresses(place) == [f"127.0.0.1:{one.port}"]
    assert number(place, "web.instances_left_out") == 3
    for name in ("b-same", "c-portless", "d-named"):
        assert f"'{name}'" in weir.output()
    consul.remove("a-good")
    wait_for(lambda: number(place, "web.instances_left_out") == 2, "its double takes its place")
    assert says(place) == "one"


def test_a_double_that_passes_goes_before_one_that_does_not(place, consul):
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1", status="critical")
    consul.put("web", one.port, "b", address="127.0.0.1")
    cs.follow(place, consul, cs.cluster(instances={"passing_only": False}))
    assert says(place) == "one"
    assert list(endpoints(place, "health_flags").values()) == ["healthy"]


def test_other_datacenters_are_priorities(place, consul):
    here, there, far = (named(place, name) for name in ("here", "there", "far"))
    consul.put("web", here.port, "h", address="127.0.0.1")
    consul.put("web", there.port, "t", address="127.0.0.1", datacenter="dc2")
    consul.put("web", far.port, "f", address="127.0.0.1", datacenter="dc3")
    cs.follow(place, consul, cs.cluster(instances={"failover_datacenters": ["dc2", "dc3"]}))
    at = {f"127.0.0.1:{origin.port}": f"{priority}"
          for priority, origin in enumerate((here, there, far))}
    wait_for(lambda: endpoints(place, "priority") == at, "all of them")
    client = place.client()
    assert shares(client, 10) == {"here": 10}
    consul.set_check("h", "critical")
    wait_for(lambda: shares(client, 10) == {"there": 10}, "the next one")
    consul.remove("t", datacenter="dc2")
    wait_for(lambda: shares(client, 10) == {"far": 10}, "the last one")
    consul.set_check("h", "passing")
    wait_for(lambda: shares(client, 10) == {"here": 10}, "the first one again")


def test_a_datacenter_is_a_locality(place, consul):
    one = named(place, "one")
    consul.put("web", one.port, address="127.0.0.1")
    cs.follow(place, consul)
    assert says(place) == "one"
    assert [list(endpoints(place, part).values()) for part in ("region", "zone", "sub_zone")] == [
        ["dc1"], [""], [""]]


def test_a_datacenter_that_consul_does_not_know(place, consul):
    """The rest is used; what is wrong is named."""
    one = named(place, "one")
    consul.put("web", one.port, address="127.0.0.1")
    weir = cs.follow(place, consul, cs.cluster(instances={"failover_datacenters": ["dc9"]}))
    wait_for(lambda: says(place) == "one", "what is known is used")
    wait_for(lambda: "'web@dc9'" in weir.output(), "it is named")
    assert number(place, "web@dc9.update_failure") > 0
    wait_for(lambda: number(place, "watches_in_trouble") == 1, "one of two is in trouble")


def test_a_prepared_query(place, consul):
    """It cannot be waited for, so it is asked again and again."""
    one, two = named(place, "one"), named(place, "two")
    consul.put("web", one.port, "a", address="127.0.0.1")
    consul.queries["nearest"] = "web"
    cs.follow(place, consul, cs.cluster(instances={"prepared_query": "nearest"}), poll="1s")
    assert says(place) == "one"
    consul.put("web", two.port, "a", address="127.0.0.1")
    wait_for(lambda: says(place) == "two", "it has moved")
    questions = consul.asked("/v1/query/nearest/execute")
    assert len(questions) >= 2 and not any(one.index for one in questions)
    times = [one.at for one in questions]
    assert all(after - before > 0.5 for before, after in zip(times, times[1:]))


def test_a_prepared_query_that_is_not_there(place, consul):
    weir = cs.follow(place, consul, cs.cluster(instances={"prepared_query": "none"}), poll="1s")
    wait_for(lambda: number(place, "failure_not_found") > 0, "it is counted")
    wait_for(lambda: "'none'" in weir.output() and "Query not found" in weir.output(), "and named")
    assert says(place) == 503
    one = named(place, "one")
    consul.put("web", one.port, address="127.0.0.1")
    consul.queries["none"] = "web"
    wait_for(lambda: says(place) == "one", "now it is there")


def test_the_way_to_the_agent_is_a_cluster_like_any_other(place, consul):
    cs.follow(place, consul)
    wait_for(lambda: consul.held == 1, "it waits")
    before = stat(place, f"cluster.{cs.AGENT}.upstream_rq_total")
    assert before >= len(consul.asked(QUESTION)) > 1
