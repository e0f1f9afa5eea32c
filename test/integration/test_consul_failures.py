"""Consul fails, lies or is away: what it said last stays in use, and everybody can see since when and
why. The agent is scripted."""

import collections
import re
import threading
import time

import consul_setup as cs
import fake_faults as faults
import pytest
from consul_setup import number, page
from control_plane import named, says
from raw_client import Client
from tls_tools import stat
from weir_process import wait_for

QUESTION = "/v1/health/service/web"
SECRET = "5ec7e7ed-0000-4000-8000-00000000beef"


class Asking:
    """Requests, one after the other, while something happens: `answers` counts what they were."""

    def __init__(self, port):
        self.port, self.answers = port, collections.Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with Client(self.port) as client:
            while not self._over.wait(0.002):
                response = client.ask()
                self.answers[response.body.decode() if response.status == 200
                             else response.status] += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def start(place, consul, **fields):
    """One instance, which answers; and who could take its place."""
    one, two = named(place, "one"), named(place, "two")
    consul.put("web", one.port, "a", address="127.0.0.1")
    weir = cs.follow(place, consul, **fields)
    assert says(place) == "one"
    return weir, two


def news(data):
    """Another body, with an index that is not the one that was asked with: such is looked at."""
    return lambda reply: faults.body(data)(faults.index(10**6)(reply))


def follows(place, consul, two):
    """A change is seen; within the longest back-off."""
    consul.put("web", two.port, "a", address="127.0.0.1")
    wait_for(lambda: says(place) == "two", "what is said now", 45)


def shown(place):
    """What /clusters says: the list's age, and what is wrong."""
    found = re.search(r"^back::list_age_seconds::(\d+)\nback::discovery_trouble::(.*)$",
                      page(place, "/clusters"), re.MULTILINE)
    assert found, page(place, "/clusters")
    return int(found[1]), found[2]


def trouble(place):
    return shown(place)[1]


def age(place):
    """The same by both ways."""
    return min(shown(place)[0], number(place, "web.list_age_seconds"))


@pytest.mark.parametrize("change,reason,words", [
    (faults.answers(500, faults.NO_LEADER), "no_leader", "No cluster leader"),
    (faults.answers(500, faults.NO_SERVERS), "no_leader", "No known Consul servers"),
    (faults.answers(500, "what is that?"), "server_error", "what is that?"),
    (faults.answers(503, ""), "server_error", "503"),
    (faults.answers(403, faults.NO_SUCH_TOKEN), "acl_not_found", "ACL not found"),
    (faults.answers(403, faults.DENIED), "permission_denied", "Permission denied"),
    (faults.answers(429, "slow down"), "too_many_requests", "slow down"),
    (faults.answers(400, "Invalid index"), "bad_request", "Invalid index"),
    (faults.answers(404, ""), "not_found", "404"),
    (news("[{]"), "bad_answer", "web"),
    (news('{"Nodes": 1}'), "bad_answer", "Nodes"),
    (news('[{"Node": {}, "Service": 7}]'), "bad_answer", "Service"),
    (faults.CLOSE, "no_answer", "web"),
    (faults.HALF, "no_answer", "web"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_failure_is_named_and_harms_nothing(place, consul, change, reason, words):
    weir, two = start(place, consul)
    with Asking(place.port) as asking:
        with consul.fault(change, path=QUESTION):
            consul.wake()
            wait_for(lambda: number(place, f"failure_{reason}") > 0, "it is counted")
            wait_for(lambda: f": {reason}: " in weir.output() and words in weir.output(), "and named")
            assert trouble(place).startswith(f"{reason}: ")
            assert number(place, "web.update_failure") > 0
        wait_for(lambda: not trouble(place), "it is over", 45)
    assert set(asking.answers) == {"one"}
    wait_for(lambda: "answered again" in weir.output(), "that is said, too")
    assert number(place, "web.acl_error") == (reason in ("acl_not_found", "permission_denied") and
                                              number(place, f"failure_{reason}"))
    follows(place, consul, two)


def test_an_empty_list_is_obeyed(place, consul):
    start(place, consul)
    consul.remove("a")
    wait_for(lambda: says(place) == 503, "the last one is gone")
    assert number(place, "web.update_empty") == 1
    assert number(place, "watches_in_trouble") == 0
    assert stat(place, "cluster.back.membership_total") == 0


@pytest.mark.parametrize("change", [faults.unknown, faults.body("[]"), faults.filtered],
                         ids=["it lost its servers", "as it is", "it says that it hides some"])
def test_an_empty_list_to_a_question_that_waits_is_not_believed(place, consul, change):
    """Real agents say so for reasons of their own; asked again, they say what is."""
    _, two = start(place, consul)
    with Asking(place.port) as asking:
        for _ in range(3):
            wait_for(lambda: consul.held == 1, "it waits")
            rule = consul.fault(change, path=QUESTION, times=1, waits=True)
            consul.wake()
            wait_for(lambda r=rule: r.met == 1, "it is said")
            wait_for(lambda: consul.held == 1, "it waits again")
    assert set(asking.answers) == {"one"}
    assert number(place, "web.update_empty") == 0
    follows(place, consul, two)


def test_a_token_that_may_see_nothing_any_more(place, consul):
    """It is told an empty list, with the field that says why, or without."""
    consul.tokens = {SECRET}
    weir, two = start(place, consul, token={"inline_string": SECRET}, wait="1s")
    with Asking(place.port) as asking:
        consul.tokens, consul.poor = set(), {SECRET}
        consul.wake()
        consul.put("web", two.port, "b", address="127.0.0.1")
        wait_for(lambda: number(place, "failure_permission_denied") > 0, "it is noticed")
        wait_for(lambda: "permission_denied" in weir.output(), "it is said")
    assert set(asking.answers) == {"one"} and number(place, "web.acl_error") > 0
    consul.tokens, consul.poor = {SECRET}, set()
    follows(place, consul, two)


def test_without_a_token_where_one_is_needed(place, consul):
    consul.tokens = {SECRET}
    weir = cs.follow(place, consul, ready=False)
    wait_for(lambda: "anonymous token" in weir.output(), "it says so")
    weir.await_ready()
    assert says(place) == 503
    assert number(place, "failure_permission_denied") + number(place, "failure_acl_not_found") > 0


def test_a_token_is_read_again_when_consul_refuses_it(place, consul, tmp_path):
    file = tmp_path / "token"
    file.write_text("0ld\n")
    consul.tokens = {"0ld"}
    _, two = start(place, consul, token={"filename": str(file)}, wait="1s")
    with Asking(place.port) as asking:
        consul.tokens = {SECRET}
        consul.wake()
        wait_for(lambda: number(place, "failure_acl_not_found") > 0, "the old one is refused")
        file.write_text(SECRET)
        wait_for(lambda: not trouble(place), "the new one is taken", 45)
    assert set(asking.answers) == {"one"}
    follows(place, consul, two)


def test_a_token_is_never_shown(place, consul):
    """Neither where it is right nor where it is refused."""
    consul.tokens = {SECRET}
    weir, _ = start(place, consul, token={"inline_string": SECRET}, wait="1s")
    consul.tokens = set()
    consul.wake()
    wait_for(lambda: number(place, "failure_acl_not_found") > 0, "it is refused")
    wait_for(lambda: "acl_not_found" in weir.output(), "that is said")
    for path in ("/config_dump", "/config_dump?include_eds", "/clusters", "/clusters?format=json",
                 "/stats", "/server_info", "/init_dump", "/decisions"):
        assert SECRET not in page(place, path), path
    assert "weir.consul.v1.Consul" in page(place, "/config_dump")
    assert SECRET not in weir.output()
    assert all(one.headers["x-consul-token"] == SECRET and SECRET not in one.target
               for one in consul.asked(QUESTION))


def test_an_index_that_goes_back_starts_anew(place, consul):
    _, two = start(place, consul)
    with Asking(place.port) as asking:
        for _ in range(3):
            wait_for(lambda: consul.held == 1, "it waits")
            consul.rewind(5)
            consul.wake()
            wait_for(lambda: any(one.index == 5 for one in consul.asked(QUESTION)), "it has moved")
    assert set(asking.answers) == {"one"}
    assert not trouble(place) and number(place, "web.update_failure") == 0
    follows(place, consul, two)


@pytest.mark.parametrize("value", ["0", "-1", "many", "", None])
def test_an_index_that_is_none_is_no_hot_loop(place, consul, value):
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1")
    with consul.fault(faults.index(value), path=QUESTION):
        cs.follow(place, consul, poll="1s")
        assert says(place) == "one"
        time.sleep(1.5)
        assert len(consul.asked(QUESTION)) <= 10
    follows(place, consul, named(place, "two"))


def test_the_agent_is_away_and_comes_back(place, consul):
    weir, two = start(place, consul)
    assert number(place, "connected_state") == 1 and shown(place) == (0, "")
    with Asking(place.port) as asking:
        consul.leave()
        wait_for(lambda: number(place, "connected_state") == 0, "that is seen")
        wait_for(lambda: age(place) >= 2, "the list grows old")
        assert trouble(place).startswith("no_answer: ")
        assert number(place, "failure_no_answer") > 0
        assert ": no_answer: " in weir.output()
        consul.come()
        wait_for(lambda: number(place, "connected_state") == 1, "it is back", 45)
        wait_for(lambda: shown(place) == (0, "") and age(place) == 0, "the list is new")
        wait_for(lambda: "answered again" in weir.output(), "that is said")
    assert set(asking.answers) == {"one"} and sum(asking.answers.values()) > 100
    follows(place, consul, two)


def test_what_changed_while_the_agent_was_away_is_caught_up(place, consul):
    _, two = start(place, consul)
    consul.leave()
    wait_for(lambda: number(place, "connected_state") == 0, "that is seen")
    consul.put("web", two.port, "a", address="127.0.0.1")
    assert says(place) == "one"
    consul.come()
    wait_for(lambda: says(place) == "two", "what is said now", 45)


def test_connections_that_break_all_the_time(place, consul):
    _, two = start(place, consul)
    with Asking(place.port) as asking:
        for _ in range(10):
            wait_for(lambda: consul.held == 1, "it waits", 45)
            consul.drop()
    assert set(asking.answers) == {"one"}
    follows(place, consul, two)


def test_an_agent_that_never_answers_is_not_asked_more_and_more(place, consul):
    """A failure is followed by a pause, which grows; all services share it."""
    clusters = [cs.cluster()] + [cs.cluster(f"s{i}", {"service": f"s{i}"}) for i in range(30)]
    one = named(place, "one")
    consul.put("web", one.port, "a", address="127.0.0.1")
    cs.follow(place, consul, *clusters)
    wait_for(lambda: consul.held == 31, "all wait")
    with consul.fault(faults.answers(500, faults.NO_LEADER), path="/v1/health/"):
        asked = len(consul.asked())
        consul.wake()
        wait_for(lambda: number(place, "failure_no_leader") > 0, "it fails")
        time.sleep(3)
        assert len(consul.asked()) - asked <= 31 + 31 + 20
        assert says(place) == "one"
    wait_for(lambda: consul.held == 31, "all wait again", 45)


def test_a_large_answer(place, consul):
    """A thousand instances; each change says all of them anew."""
    one = named(place, "one")
    for number_of in range(1000):
        consul.put("web", one.port, f"i{number_of}", meta={"k": "v" * 500},
                   address=f"127.1.{number_of // 250}.{number_of % 250 + 1}")
    cs.follow(place, consul)
    wait_for(lambda: stat(place, "cluster.back.membership_total") == 1000, "all of them")
    consul.remove("i7")
    wait_for(lambda: stat(place, "cluster.back.membership_total") == 999, "one less")
