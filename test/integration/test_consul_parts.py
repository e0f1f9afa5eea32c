"""The fake Consul that other tests script: it waits as blocking queries do, goes wrong as it is
told, and says what it was asked. That it answers as the real one: test/suites/consul_parts."""

import socket
import threading
import time

import pytest

import fake_faults
from consul_http import ask
from raw_client import Client
from weir_process import wait_for


class Waiting:
    """A query that is under way in a thread of its own."""

    def __init__(self, consul, path="/v1/health/service/web", **query):
        self.answer = self.error = None
        held = consul.held
        self.thread = threading.Thread(target=self._ask, args=[consul.port, path, query])
        self.thread.start()
        wait_for(lambda: consul.held > held or not self.thread.is_alive(), "the query waits")

    def _ask(self, port, path, query):
        try:
            self.answer = ask(port, "GET", path, **query)
        except (OSError, EOFError) as error:
            self.error = error

    def waits(self):
        return self.thread.is_alive()

    def end(self):
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.answer


def health(consul, service="web", **query):
    return ask(consul.port, "GET", f"/v1/health/service/{service}", **query)


def names(answer):
    return [entry["Service"]["ID"] for entry in answer.json()]


def test_a_query_without_index_is_answered_at_once(consul):
    consul.put("web", 81, tags=["a", "b"], meta={"x": "1"}, weights=(3, 2), address="127.0.0.2")
    answer = health(consul)
    entry, = answer.json()
    assert (entry["Service"]["Port"], entry["Service"]["Address"]) == (81, "127.0.0.2")
    assert entry["Service"]["Weights"] == {"Passing": 3, "Warning": 2}
    assert entry["Service"]["Tags"] == ["a", "b"] and entry["Service"]["Meta"] == {"x": "1"}
    assert [check["Status"] for check in entry["Checks"]] == ["passing", "passing"]
    assert answer.index == consul.catalog.index


@pytest.mark.parametrize("change", [
    lambda consul: consul.put("web", 82),
    lambda consul: consul.put("web", 81, meta={"changed": "yes"}),
    lambda consul: consul.set_check("web-81", "critical"),
    lambda consul: consul.remove("web-81"),
])
def test_a_query_with_an_index_waits_for_a_change(consul, change):
    consul.put("web", 81)
    before = health(consul)
    query = Waiting(consul, index=before.index)
    consul.put("other", 90)
    consul.put("web", 81)  # as it was
    consul.set_check("web-81", "passing")
    assert query.waits()
    change(consul)
    after = query.end()
    assert after.index > before.index and after.json() != before.json()


def test_the_wait_ends_with_the_same_index(consul):
    consul.put("web", 81, meta={"k": "v"})
    before = health(consul)
    begun = time.monotonic()
    after = health(consul, index=before.index, wait="300ms")
    assert after.index == before.index and after.json() == before.json()
    assert time.monotonic() - begun >= 0.3


def test_nothing_changed_and_yet_other_bytes(consul):
    """The real one does so, too: its streaming backend leaves out what is empty."""
    consul.put("web", 81)
    before = health(consul)
    after = health(consul, index=before.index, wait="10ms")
    assert before.json()[0]["Service"]["Meta"] == {} and after.json()[0]["Service"]["Meta"] is None
    assert (before.headers["x-consul-knownleader"], after.headers["x-consul-knownleader"]) == (
        "true", "false")


def test_an_index_of_the_future_waits(consul):
    consul.put("web", 81)
    answer = health(consul, index=10**6, wait="50ms")
    assert answer.index == consul.catalog.index


@pytest.mark.parametrize("path, change", [
    ("/v1/catalog/services", lambda consul: consul.put("new", 1)),
    ("/v1/health/state/any", lambda consul: consul.set_check("web-81", "warning")),
    ("/v1/kv/weir/?recurse", lambda consul: consul.put_key("weir/routes/a", "{}")),
    ("/v1/health/service/none", lambda consul: consul.put("none", 1)),
])
def test_what_else_can_be_waited_for(consul, path, change):
    consul.put("web", 81)
    path, _, recurse = path.partition("?")
    query = {"recurse": True} if recurse else {}
    before = ask(consul.port, "GET", path, **query)
    waiting = Waiting(consul, path, index=before.index, **query)
    assert waiting.waits()
    change(consul)
    assert waiting.end().index > before.index


def test_questions_that_choose(consul):
    consul.put("web", 81, tags=["a", "b"])
    consul.put("web", 82, status="critical", tags=["a"])
    consul.put("web", 83, status="warning", meta={"zone": "x"})
    consul.filters["Service.Meta.zone == x"] = (
        lambda entry: entry["Service"]["Meta"].get("zone") == "x")
    assert names(health(consul)) == ["web-81", "web-82", "web-83"]
    assert names(health(consul, passing=True)) == ["web-81"]
    assert names(health(consul, tag="a")) == ["web-81", "web-82"]
    assert names(health(consul, tag=["a", "b"])) == ["web-81"]
    assert names(health(consul, filter="Service.Meta.zone == x")) == ["web-83"]
    assert names(health(consul, "nobody")) == []
    assert health(consul, dc="dc9").status == 500
    consul.put("web", 91, datacenter="dc2")
    assert names(health(consul, dc="dc2")) == ["web-91"]


def test_odd_instances(consul):
    """No address of its own, no port, and two that are the same but for their id."""
    consul.put("web", 0, instance="portless", node_address="127.0.0.9")
    consul.put("web", 81, instance="one", address="127.0.0.1")
    consul.put("web", 81, instance="two", address="127.0.0.1")
    one, portless, two = health(consul).json()
    assert portless["Service"]["Address"] == "" and portless["Node"]["Address"] == "127.0.0.9"
    assert "Port" not in portless["Service"]
    assert [one["Service"][name] == two["Service"][name] for name in ("Address", "Port", "ID")] == [
        True, True, False]


def test_keys(consul):
    assert ask(consul.port, "GET", "/v1/kv/weir/", recurse=True).status == 404
    consul.put_key("weir/clusters/a", "name: a")
    consul.put_key("weir/empty", "")
    consul.put_key("other", "x")
    found = ask(consul.port, "GET", "/v1/kv/weir/", recurse=True).json()
    assert [(entry["Key"], entry["Value"]) for entry in found] == [
        ("weir/clusters/a", "bmFtZTogYQ=="), ("weir/empty", None)]
    consul.delete_key("weir/clusters/a")
    after = ask(consul.port, "GET", "/v1/kv/weir/", recurse=True)
    assert len(after.json()) == 1 and after.index == consul.catalog.index


def test_a_prepared_query_leaves_out_what_fails(consul):
    consul.put("web", 81)
    consul.put("web", 82, status="critical")
    consul.queries["nearest"] = "web"
    answer = ask(consul.port, "GET", "/v1/query/nearest/execute").json()
    assert [entry["Service"]["ID"] for entry in answer["Nodes"]] == ["web-81"]
    assert ask(consul.port, "GET", "/v1/query/unknown/execute").status == 404


def test_a_service_registers_and_deregisters_itself(consul):
    given = {"Name": "weir", "ID": "weir-1", "Port": 10, "Tags": ["edge"], "Meta": {"v": "1"},
             "Address": "127.0.0.1", "Check": {"HTTP": "http://127.0.0.1/ready", "Interval": "1s"}}
    assert ask(consul.port, "PUT", "/v1/agent/service/register", given).status == 200
    entry, = health(consul, "weir").json()
    assert entry["Service"]["Tags"] == ["edge"] and entry["Checks"][1]["Status"] == "critical"
    path = "/v1/agent/service/deregister/weir-1"
    assert ask(consul.port, "PUT", path).status == 200
    assert names(health(consul, "weir")) == []
    assert ask(consul.port, "PUT", path).status == 404


def test_an_index_that_goes_back(consul):
    consul.put("web", 81)
    before = health(consul)
    query = Waiting(consul, index=before.index)
    consul.rewind(5)
    assert query.waits()  # its index is still the larger one
    consul.wake()
    assert query.end().index == 5
    consul.put("web", 82)
    assert health(consul).index == 6


@pytest.mark.parametrize("status, text", [
    (500, fake_faults.NO_LEADER), (500, fake_faults.NO_SERVERS), (403, fake_faults.NO_SUCH_TOKEN),
    (403, fake_faults.DENIED), (429, "slow down"), (503, "")])
def test_an_error_ends_with_its_rule(consul, status, text):
    with consul.fault(fake_faults.answers(status, text)) as rule:
        answer = health(consul, index=10**6)
        assert (answer.status, answer.text) == (status, text)
    assert rule.met == 1 and health(consul).status == 200


def test_faults_of_one_path_and_of_a_number_of_times(consul):
    consul.fault(fake_faults.answers(500, "no"), path="/v1/health/service/web", times=2)
    assert [health(consul).status for _ in range(3)] == [500, 500, 200]
    consul.fault(fake_faults.answers(500, "no"), path="/v1/kv/")
    assert health(consul).status == 200


@pytest.mark.parametrize("value", ["0", "-1", "many", "", None])
def test_an_index_that_is_none(consul, value):
    with consul.fault(fake_faults.index(value)):
        assert health(consul).headers.get("x-consul-index") == value
    assert health(consul).index


def test_a_fault_of_a_right_answer_waits_for_it(consul):
    consul.put("web", 81)
    before = health(consul)
    consul.fault(fake_faults.index("0"), waits=True)
    query = Waiting(consul, index=before.index)
    assert query.waits()
    consul.put("web", 82)
    assert query.end().headers["x-consul-index"] == "0"


@pytest.mark.parametrize("data", [
    "[{]", "null", "{}", b"\xff\0", "", "[" * 10000, "[" + " " * 2**20 + "]"])
def test_other_bytes(consul, data):
    consul.fault(fake_faults.body(data))
    client = Client(consul.port)
    response = client.ask("GET", "/v1/health/service/web")
    assert response.status == 200 and response.complete
    assert response.body == (data if isinstance(data, bytes) else data.encode())
    assert client.ask("GET", "/v1/health/service/web").status == 200  # on the same connection
    client.close()


def test_the_agents_cache(consul):
    consul.fault(fake_faults.cached(age=12, last_contact=345))
    fields = health(consul).headers
    assert (fields["x-cache"], fields["age"]) == ("HIT", "12")
    assert fields["x-consul-lastcontact"] == "345"


def test_half_an_answer_and_none(consul):
    consul.put("web", 81)
    for change in (fake_faults.HALF, fake_faults.CLOSE):
        consul.fault(change, times=1)
        client = Client(consul.port)
        client.send(b"GET /v1/health/service/web HTTP/1.1\r\nhost: a\r\n\r\n")
        got = client.read_to_end()
        client.close()
        assert bool(got) == (change is fake_faults.HALF) and not got.endswith(b"]")
    assert health(consul).status == 200


def test_an_answer_that_never_comes(consul):
    rule = consul.fault(fake_faults.HANG)
    waiting = Waiting(consul)
    wait_for(lambda: rule.met, "the request came")
    consul.put("web", 81)
    assert waiting.waits()
    rule.end()
    assert names(waiting.end()) == ["web-81"]


def test_tokens(consul):
    consul.tokens = {"secret"}
    assert health(consul, token="secret").status == 200
    assert health(consul, headers={"Authorization": "Bearer secret"}).status == 200
    assert health(consul, token="secret").headers["x-consul-default-acl-policy"] == "deny"
    wrong = health(consul, token="other")
    assert (wrong.status, wrong.text) == (403, "ACL not found")
    assert health(consul).status == 403


def test_a_token_without_rights(consul):
    """It is told nothing, and that this is so."""
    consul.put("web", 81)
    consul.put_key("weir/a", "1")
    consul.tokens, consul.poor = set(), {"weak"}
    for path, status, text in (("/v1/health/service/web", 200, "[]"), ("/v1/kv/weir/", 404, "")):
        answer = ask(consul.port, "GET", path, token="weak", recurse=True)
        assert (answer.status, answer.text) == (status, text)
        assert answer.headers["x-consul-results-filtered-by-acls"] == "true"


def test_rights_that_are_lost_while_a_query_waits(consul):
    """It is answered with nothing, the index it had, and no word of why; as the real one does."""
    consul.put("web", 81)
    consul.tokens = {"strong"}
    index = health(consul, token="strong").index
    query = Waiting(consul, index=index, token="strong")
    consul.tokens, consul.poor = set(), {"strong"}
    consul.wake()
    answer = query.end()
    assert (answer.status, answer.index, answer.json()) == (200, index, [])
    assert "x-consul-results-filtered-by-acls" not in answer.headers


def test_a_token_that_is_deleted_while_a_query_waits(consul):
    consul.put("web", 81)
    consul.tokens = {"strong"}
    query = Waiting(consul, index=health(consul, token="strong").index, token="strong")
    consul.tokens = set()
    consul.wake()
    assert query.end().status == 403


def test_an_unknown_token_with_an_index(consul):
    """It is told that there is nothing, when its wait ends; as the real one does."""
    consul.put("web", 81)
    consul.tokens = set()
    answer = health(consul, token="other", index=20, wait="10ms")
    assert (answer.status, answer.index, answer.json()) == (200, 1, [])


def test_an_agent_that_has_not_seen_the_service(consul):
    consul.put("web", 81)
    consul.fault(fake_faults.unknown)
    answer = health(consul, index=20)
    assert (answer.status, answer.index, answer.json()) == (200, 1, [])


def test_every_request_is_kept(consul):
    health(consul, tag=["a", "b"], passing=True, index=7, wait="10ms",
           headers={"X-Consul-Token": "t"})
    request, = consul.asked("/v1/health/")
    assert request.path == "/v1/health/service/web" and request.headers["x-consul-token"] == "t"
    assert request.query == {"tag": ["a", "b"], "passing": [""], "index": ["7"], "wait": ["10ms"]}
    assert request.index == 7 and consul.asked("/v1/kv/") == []


def test_an_agent_that_leaves_and_comes_back(consul):
    consul.put("web", 81)
    query = Waiting(consul, index=health(consul).index)
    consul.leave()
    assert query.end() is None and query.error
    with pytest.raises(ConnectionRefusedError):
        health(consul)
    consul.come()
    assert names(health(consul)) == ["web-81"]


def test_connections_are_counted(consul):
    clients = [Client(consul.port) for _ in range(3)]
    for client in clients:
        assert client.ask("GET", "/v1/catalog/services").status == 200
        assert client.ask("GET", "/v1/catalog/services").status == 200
    assert (consul.open, consul.accepted, len(consul.requests)) == (3, 3, 6)
    clients[0].close()
    wait_for(lambda: consul.open == 2, "one is closed")
    consul.drop()
    wait_for(lambda: consul.open == 0, "none is open")
    assert consul.most_open == 3
    for client in clients:
        client.close()


def test_a_query_that_is_given_up(consul):
    consul.put("web", 81)
    with socket.create_connection(("127.0.0.1", consul.port)) as sock:
        sock.sendall(b"GET /v1/health/service/web?index=10000 HTTP/1.1\r\nhost: a\r\n\r\n")
        wait_for(lambda: consul.held == 1, "it waits")
    wait_for(lambda: consul.held == 0, "nobody waits")


def test_two_thousand_queries_wait_at_once(consul):
    """One change answers those that ask for it, and no others."""
    for number in range(20):
        consul.put(f"web{number}", 81)
    index = consul.catalog.index
    socks = []
    try:
        for number in range(2000):
            sock = socket.create_connection(("127.0.0.1", consul.port))
            socks.append(sock)
            sock.sendall(b"GET /v1/health/service/web%d?index=%d&wait=10m HTTP/1.1\r\nhost: a\r\n"
                         b"\r\n" % (number % 20, index))
        wait_for(lambda: consul.held == 2000, "all wait")
        consul.set_check("web7-81", "critical")
        for sock in socks[7::20]:
            assert sock.recv(15) == b"HTTP/1.1 200 OK"
        assert consul.held == 1900 and consul.open == 2000
    finally:
        for sock in socks:
            sock.close()
