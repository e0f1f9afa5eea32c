"""The same questions to the real agent and to the fake one, about the same services: the answers
have the same status, header fields and kinds of JSON."""

import contextlib
import re

from consul_agent import ttl
from consul_http import ask
from fake_consul import FakeConsul
from weir_process import wait_for

# What differs from answer to answer, or with the size of a body.
LOOSE_FIELDS = {"content-length", "transfer-encoding", "date"}
# Of these only the presence is compared.
ANY_VALUE = {"x-consul-index", "x-consul-lastcontact", "x-consul-contenthash", "age"}
UNKNOWN_TOKEN = "00000000-0000-4000-8000-0000000000ff"

QUESTIONS = {
    "a service": ("GET", "/v1/health/service/alike", {}),
    "passing only": ("GET", "/v1/health/service/alike", {"passing": True}),
    "a tag": ("GET", "/v1/health/service/alike", {"tag": "a"}),
    "two tags": ("GET", "/v1/health/service/alike", {"tag": ["a", "b"]}),
    "no such tag": ("GET", "/v1/health/service/alike", {"tag": "z"}),
    "a filter": ("GET", "/v1/health/service/alike", {"filter": "Service.Meta.k == v"}),
    "an unknown service": ("GET", "/v1/health/service/nobody", {}),
    "an index of 1": ("GET", "/v1/health/service/alike", {"index": "1"}),
    "an index that waits": ("GET", "/v1/health/service/alike",
                            {"index": "100000000", "wait": "50ms"}),
    "an index that is none": ("GET", "/v1/health/service/alike", {"index": "x"}),
    "a wait that is none": ("GET", "/v1/health/service/alike", {"index": "1", "wait": "x"}),
    "stale": ("GET", "/v1/health/service/alike", {"stale": True}),
    "consistent": ("GET", "/v1/health/service/alike", {"consistent": True}),
    "both": ("GET", "/v1/health/service/alike", {"stale": True, "consistent": True}),
    "another datacenter": ("GET", "/v1/health/service/alike", {"dc": "dc9"}),
    "all services": ("GET", "/v1/catalog/services", {}),
    "critical checks": ("GET", "/v1/health/state/critical", {}),
    "all checks": ("GET", "/v1/health/state/any", {}),
    "a key": ("GET", "/v1/kv/alike/a", {}),
    "a recursive key": ("GET", "/v1/kv/alike/", {"recurse": True}),
    "names of keys": ("GET", "/v1/kv/alike/", {"keys": True}),
    "no such key": ("GET", "/v1/kv/nobody", {"recurse": True}),
    "a prepared query": ("GET", "/v1/query/alike/execute", {}),
    "no such query": ("GET", "/v1/query/nobody/execute", {}),
    "the leader": ("GET", "/v1/status/leader", {}),
    "no such path": ("GET", "/v1/nobody", {}),
    "one of its own": ("GET", "/v1/agent/service/alike-81", {}),
    "none of its own": ("GET", "/v1/agent/service/nobody", {}),
    "a deregistration twice": ("PUT", "/v1/agent/service/deregister/nobody", {}),
}


def shape(value):
    """The kinds of a JSON value; a list is the kinds of its members in any order, and the names in
    Meta are the services' own."""
    if isinstance(value, dict):
        return {name: {} if name == "Meta" and one else shape(one)
                for name, one in sorted(value.items())}
    if isinstance(value, list):
        kinds = [shape(one) for one in value]
        kinds = [kind for place, kind in enumerate(kinds) if kind not in kinds[:place]]
        return sorted(kinds, key=str)
    return type(value).__name__


def described(answer):
    """What of an answer must be alike."""
    fields = {name: "…" if name in ANY_VALUE else value
              for name, value in answer.headers.items() if name not in LOOSE_FIELDS}
    if answer.headers.get("content-type") == "application/json" and answer.text:
        return answer.status, fields, shape(answer.json())
    return answer.status, fields, re.sub(r'"[^"]*"', '"…"', answer.text)


def differences(here, there, place=""):
    """Lines that say where two descriptions differ."""
    if isinstance(here, dict) and isinstance(there, dict):
        for name in sorted({*here, *there}):
            if name not in here or name not in there:
                yield f"{place}.{name}: only {'Consul' if name in here else 'the fake'} has it"
            else:
                yield from differences(here[name], there[name], f"{place}.{name}")
    elif isinstance(here, (list, tuple)) and type(here) is type(there) and len(here) == len(there):
        for number, (one, other) in enumerate(zip(here, there)):
            yield from differences(one, other, f"{place}[{number}]")
    elif here != there:
        yield f"{place}: Consul {here!r}, the fake {there!r}"


def fill(agent, fake):
    """The same in both: three instances of three healths, keys, a prepared query."""
    for port, status, tags, meta in ((81, "passing", ["a", "b"], {"k": "v"}),
                                     (82, "warning", ["a"], {}), (83, "critical", [], {})):
        agent.register("alike", port, Tags=tags, Meta=meta, Check=ttl(),
                       Weights={"Passing": 2, "Warning": 1})
        agent.set_check(f"alike-{port}", status)
        fake.put("alike", port, address="127.0.0.1", tags=tags, meta=meta, weights=(2, 1),
                 status=status)
    wait_for(lambda: agent.instances("alike").get("alike-83") == ["critical", "passing"],
             "Consul has it all")
    for key, value in (("alike/a", "one"), ("alike/b", "")):
        agent.put_key(key, value)
        fake.put_key(key, value)
    agent.prepare_query("alike", "alike")
    fake.queries["alike"] = "alike"
    fake.filters["Service.Meta.k == v"] = lambda entry: entry["Service"]["Meta"].get("k") == "v"


def compare(agent):
    """(question, what differs) of each question."""
    with contextlib.closing(FakeConsul()) as fake:
        fill(agent, fake)
        for name, (method, path, query) in QUESTIONS.items():
            real, other = (described(ask(port, method, path, **query))
                           for port in (agent.port, fake.port))
            yield name, "; ".join(differences(real, other))


def compare_refusals(guarded):
    """The same of an agent with access control: an unknown token, and one without rights."""
    guarded.register("alike", 81)
    guarded.put_key("alike/a", "one")
    poor, _ = guarded.make_token('event "x" { policy = "read" }')
    with contextlib.closing(FakeConsul(tokens={guarded.token}, poor=[poor])) as fake:
        fake.put("alike", 81)
        fake.put_key("alike/a", "one")
        for name in ("a service", "an index that waits", "a recursive key"):
            method, path, query = QUESTIONS[name]
            for token, meaning in ((UNKNOWN_TOKEN, "an unknown token"), (poor, "no rights")):
                real, other = (described(ask(port, method, path, token=token, **query))
                               for port in (guarded.port, fake.port))
                yield f"{name}, with {meaning}", "; ".join(differences(real, other))
