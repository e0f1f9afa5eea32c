"""Weir registers itself with its agent, and leaves before its sockets close. The agent is scripted;
the real one runs the checks in test/suites/consul."""

import json
import signal
import urllib.request

import bootstrap as bs
import consul_setup as cs
import fake_faults as faults
import pytest
from consul_setup import number
from control_plane import named, says
from tls_tools import with_admin
from weir_process import free_port, wait_for

REGISTER, DEREGISTER = "/v1/agent/service/register", "/v1/agent/service/deregister"


def start(place, consul, ready=True, node="edge-1", **registration):
    """A proxy with one listener and one origin that is not Consul's."""
    place.port = free_port()
    origin = named(place, "one")
    config = bs.bootstrap([bs.listener(place.port)], [bs.cluster(consul.port, name=cs.AGENT),
                                                      bs.cluster(origin.port)],
                          bootstrap_extensions=[cs.agent(registration=registration)],
                          node={"id": node, "cluster": "c"})
    config.update(with_admin(place))
    return place.start(config, ready=ready)


def told(consul, times=1):
    """What Weir said of itself, so many times."""
    wait_for(lambda: len(consul.asked(REGISTER)) >= times, "it registers")
    requests = consul.asked(REGISTER)
    assert len(requests) == times and {one.method for one in requests} == {"PUT"}
    return json.loads(requests[-1].body)


def test_it_registers_itself(place, consul):
    start(place, consul)
    said = told(consul)
    assert (said["Name"], said["ID"], said["Port"]) == ("weir", "weir-edge-1", place.port)
    assert said.get("Address", "") == ""
    check = said["Check"]
    assert check["Interval"] in ("10s", "10000ms") and "DeregisterCriticalServiceAfter" not in check
    with urllib.request.urlopen(check["HTTP"], timeout=5) as answer:
        assert answer.status == 200
    wait_for(lambda: number(place, "registration.registered") == 1, "it knows")


def test_what_it_says_of_itself(place, consul):
    start(place, consul, name="edge", id="edge-a", tags=["public", "v1"], meta={"zone": "a"},
          address="10.0.0.7", port=443, interval="2s", deregister_critical_after="90s",
          http="http://10.0.0.7:9901/ready")
    said = told(consul)
    assert {name: said[name] for name in ("Name", "ID", "Tags", "Meta", "Address", "Port")} == {
        "Name": "edge", "ID": "edge-a", "Tags": ["public", "v1"], "Meta": {"zone": "a"},
        "Address": "10.0.0.7", "Port": 443}
    assert said["Check"]["HTTP"] == "http://10.0.0.7:9901/ready"
    assert said["Check"]["Interval"] in ("2s", "2000ms")
    assert said["Check"]["DeregisterCriticalServiceAfter"] in ("90s", "90000ms", "1m30s")


def test_a_check_by_grpc(place, consul):
    start(place, consul, grpc="10.0.0.7:10001/edge.Health")
    check = told(consul)["Check"]
    assert check["GRPC"] == "10.0.0.7:10001/edge.Health" and "HTTP" not in check


def test_it_leaves_before_its_sockets_close(place, consul):
    """While the agent has not answered, a new connection is served."""
    weir = start(place, consul)
    told(consul)
    rule = consul.fault(faults.HANG, path=DEREGISTER)
    weir.signal(signal.SIGTERM)
    wait_for(lambda: rule.met == 1, "it deregisters")
    assert says(place) == "one"
    rule.end()
    assert weir.wait() == 0
    request, = consul.asked(DEREGISTER)
    assert request.path == f"{DEREGISTER}/weir-edge-1"
    assert not consul.catalog.instances["weir"]


def test_an_agent_that_does_not_answer_does_not_keep_it(place, consul):
    weir = start(place, consul)
    told(consul)
    with consul.fault(faults.HANG):
        weir.signal(signal.SIGTERM)
        assert weir.wait() == 0
    assert "weir-edge-1" in weir.output()


def test_it_registers_when_the_agent_comes(place, consul):
    consul.leave()
    weir = start(place, consul)
    assert says(place) == "one"  # that is nothing to wait for
    wait_for(lambda: number(place, "registration.failure") > 0, "it tries")
    consul.come()
    wait_for(lambda: number(place, "registration.registered") == 1, "it is registered", 30)
    assert "weir-edge-1" in weir.output()
    assert list(consul.catalog.instances["weir"]) == ["weir-edge-1"]


def test_an_agent_that_has_lost_it_gets_it_again(place, consul):
    start(place, consul)
    told(consul)
    consul.remove("weir-edge-1")
    wait_for(lambda: consul.catalog.instances["weir"], "it is registered again", 30)


def test_an_agent_that_has_it_is_not_told_again(place, consul):
    start(place, consul)
    told(consul)
    looked = wait_for(lambda: consul.asked("/v1/agent/service/weir-edge-1"), "it looks", 30)
    assert looked[0].method == "GET"
    told(consul)


def test_the_token_is_sent_and_never_shown(place, consul):
    secret = "5ec7e7ed-0000-4000-8000-00000000beef"
    consul.tokens = {secret}
    place.port = free_port()
    config = bs.bootstrap([bs.listener(place.port)], [
        bs.cluster(consul.port, name=cs.AGENT), bs.cluster(1)], bootstrap_extensions=[
            cs.agent(registration={}, token={"inline_string": secret})], node={"id": "n"})
    config.update(with_admin(place))
    weir = place.start(config)
    told(consul)
    wait_for(lambda: number(place, "registration.registered") == 1, "it is registered")
    assert secret not in weir.output()


def test_without_an_admin_interface_a_check_is_needed(place, consul):
    config = bs.bootstrap([bs.listener(free_port())], [bs.cluster(consul.port, name=cs.AGENT),
                                                       bs.cluster(1)],
                          bootstrap_extensions=[cs.agent(registration={})], node={"id": "n"})
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    assert "registration" in weir.output() and "admin" in weir.output()


@pytest.mark.parametrize("fields,words", [
    ({"registration": {"interval": "0.1s"}}, ["interval"]),
    ({"registration": {"deregister_critical_after": "10s"}}, ["deregister_critical_after"]),
    ({"registration": {"meta": {"a b": "c"}}}, ["meta"]),
    ({"registration": {"port": 65536}}, ["port"]),
    ({"registration": {"http": "10.0.0.1:80"}}, ["http"]),
])
def test_what_makes_no_sense_is_refused(place, consul, fields, words):
    """By the field's name, and its line."""
    config = cs.bootstrap(place, consul.port, [cs.cluster()], **fields)
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    for word in ("weir.yaml:", *words):
        assert word in weir.output(), weir.output()
