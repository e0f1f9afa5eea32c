"""What of Consul in a bootstrap is refused, and how a proxy starts while Consul says nothing."""

import json
import signal
import time

import bootstrap as bs
import consul_setup as cs
import fake_faults as faults
import pytest
from consul_setup import number, page
from control_plane import named, says
from tls_tools import stat
from weir_process import free_port, wait_for

SECRET = "5ec7e7ed-0000-4000-8000-00000000beef"


def refused(place, config):
    """What a start on it says."""
    weir = place.start(config, ready=False)
    assert weir.wait() == 1
    assert SECRET not in weir.output()
    return weir.output()


@pytest.mark.parametrize("fields,words", [
    ({"agent_cluster": "nobody"}, ["bootstrap_extensions", "'nobody'"]),
    ({"agent_cluster": ""}, ["agent_cluster"]),
    ({"wait": "0.5s"}, ["wait", "1s to 600s"]),
    ({"wait": "601s"}, ["wait"]),
    ({"poll": "0s"}, ["poll"]),
    ({"max_queries": {"value": 0}}, ["max_queries"]),
    ({"use_cache": True, "consistency": "CONSISTENT"}, ["use_cache"]),
    ({"token": {"filename": "/nowhere/token"}}, ["token.filename", "/nowhere/token"]),
    ({"token": {"environment_variable": "WEIR_TEST_NO_TOKEN"}}, ["WEIR_TEST_NO_TOKEN"]),
    ({"token": {"inline_string": SECRET + "\nx"}}, ["token.inline_string"]),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_an_extension_that_makes_no_sense_is_refused(place, consul, fields, words):
    config = cs.bootstrap(place, consul.port, [cs.cluster()])
    config["bootstrap_extensions"][0]["typed_config"].update(fields)
    said = refused(place, config)
    for word in words:
        assert word in said, said
    assert "weir.yaml:" in said  # which line


@pytest.mark.parametrize("instances,words", [
    ({"service": ""}, ["service"]),
    ({"service": "web", "prepared_query": "x"}, ["prepared_query"]),
    ({"prepared_query": "x", "tags": ["a"]}, ["tags"]),
    ({"tags": ["a", ""]}, ["tags[1]"]),
    ({"tagged_address": ""}, ["tagged_address"]),
    ({"failover_datacenters": ["dc2", "dc2"]}, ["failover_datacenters[1]", "dc2"]),
    ({"datacenter": "dc2", "failover_datacenters": ["dc2"]}, ["failover_datacenters[0]"]),
    ({"connect": True}, ["connect"]),
    ({"sevice": "web"}, ["sevice", "service"]),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_a_cluster_that_makes_no_sense_is_refused(place, consul, instances, words):
    config = cs.bootstrap(place, consul.port, [cs.cluster()])
    typed = config["static_resources"]["clusters"][1]["cluster_type"]["typed_config"]
    typed.update(instances)
    if "prepared_query" in instances and "service" not in instances:
        del typed["service"]
    said = refused(place, config)
    for word in words:
        assert word in said, said


def test_two_extensions_are_refused(place, consul):
    config = cs.bootstrap(place, consul.port, [cs.cluster()])
    config["bootstrap_extensions"] *= 2
    assert "bootstrap_extensions[1]" in refused(place, config)


def test_a_cluster_of_consuls_without_the_extension_is_refused(place, consul):
    config = cs.bootstrap(place, consul.port, [cs.cluster()])
    del config["bootstrap_extensions"]
    assert "weir.bootstrap.consul" in refused(place, config)


def test_an_agent_that_would_be_found_through_itself_is_refused(place, consul):
    config = cs.bootstrap(place, consul.port, [cs.cluster()])
    config["static_resources"]["clusters"][0] = cs.cluster(cs.AGENT)
    said = refused(place, config)
    assert "bootstrap_extensions" in said and f"'{cs.AGENT}'" in said


def test_endpoints_beside_consuls_are_refused(place, consul):
    assignment = bs.cluster(1, name="back")["load_assignment"]
    config = cs.bootstrap(place, consul.port, [cs.cluster(load_assignment=assignment)])
    assert "load_assignment" in refused(place, config)


def test_a_token_from_the_environment(place, consul, monkeypatch):
    monkeypatch.setenv("WEIR_TEST_TOKEN", SECRET)
    one = named(place, "one")
    consul.put("web", one.port, address="127.0.0.1")
    consul.tokens = {SECRET}
    weir = cs.follow(place, consul, token={"environment_variable": "WEIR_TEST_TOKEN"})
    assert says(place) == "one" and SECRET not in weir.output()


NO_CONSUL = pytest.mark.parametrize("away", ["nobody listens", "it hangs", "no leader"])


def go_away(consul, how):
    """Until the function that is returned is called."""
    if how == "nobody listens":
        consul.leave()
        return consul.come
    change = faults.HANG if how == "it hangs" else faults.answers(500, faults.NO_LEADER)
    return consul.fault(change).end


@NO_CONSUL
def test_a_start_without_consul(place, consul, away):
    """It takes a while and no longer, then serves what it can; the list is used when it comes."""
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1")
    back = go_away(consul, away)
    weir = cs.follow(place, consul, ready=False)
    weir.await_ready()
    assert says(place) == 503
    back()
    wait_for(lambda: says(place) == "one", "the list has come", 60)


def saved(directory):
    """Whether anything is."""
    return directory.exists() and any(path.name[0] != "." for path in directory.iterdir())


@NO_CONSUL
def test_a_start_without_consul_on_what_was_saved(place, consul, tmp_path, away):
    """The last known instances are used at once, and put right when Consul says others."""
    one, two = named(place, "one"), named(place, "two")
    consul.put("web", one.port, "a", address="127.0.0.1", weights=(3, 1), tags=["x"])
    arguments = ["--state-dir", tmp_path / "state"]
    first = cs.follow(place, consul, arguments=arguments)
    assert says(place) == "one"
    wait_for(lambda: saved(tmp_path / "state"), "it is saved")
    first.signal(signal.SIGKILL)
    first.wait()
    place.proxies.remove(first)
    back = go_away(consul, away)
    weir = cs.follow(place, consul, arguments=arguments, ready=False)
    began = time.monotonic()
    weir.await_ready()
    assert says(place) == "one"
    assert time.monotonic() - began < 8  # a second, where nothing else runs; it does not wait
    assert "stale" in page(place, "/ready?verbose")
    consul.put("web", two.port, "a", address="127.0.0.1")
    back()
    wait_for(lambda: says(place) == "two", "what is said now", 60)
    wait_for(lambda: "stale" not in page(place, "/ready?verbose"), "nothing is stale")


def test_an_empty_list_is_saved_as_that(place, consul, tmp_path):
    """The last instance does not come back from the dead."""
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1")
    arguments = ["--state-dir", tmp_path / "state"]
    first = cs.follow(place, consul, arguments=arguments)
    wait_for(lambda: says(place) == "one", "one is there")
    wait_for(lambda: saved(tmp_path / "state"), "it is saved")
    consul.remove("a")
    wait_for(lambda: says(place) == 503, "it is gone")
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    consul.leave()
    cs.follow(place, consul, arguments=arguments)
    assert says(place) == 503


def test_what_was_saved_is_read_by_nobody_else_and_holds_no_token(place, consul, tmp_path):
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1")
    consul.tokens = {SECRET}
    cs.follow(place, consul, arguments=["--state-dir", tmp_path / "state"],
              token={"inline_string": SECRET})
    wait_for(lambda: saved(tmp_path / "state"), "it is saved")
    for path in (tmp_path / "state").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert SECRET.encode() not in path.read_bytes()


def test_without_services_it_starts_at_once(place, consul):
    """The extension alone asks for nothing."""
    consul.leave()
    place.port = free_port()
    config = cs.bootstrap(place, consul.port, [bs.cluster(1, name="back")])
    began = time.monotonic()
    place.start(config)
    assert time.monotonic() - began < 5
    assert number(place, "watches") == 0 and stat(place, "consul.watches_in_trouble") == 0
    assert json.loads(page(place, "/config_dump"))
