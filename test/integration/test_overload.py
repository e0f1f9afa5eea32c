"""The overload manager: what is given up under pressure, and that it comes back."""

import json
import subprocess

import pytest

import bootstrap as bs
from origin import answer
from raw_client import Client, fetch, request
from test_stats import stats_of
from weir_process import free_port, wait_for, weir_binary

MONITOR = "envoy.resource_monitors."
ACTION = "envoy.overload_actions."
LOG = "%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"


def monitor(name, message, **fields):
    return {"name": MONITOR + name,
            "typed_config": {"@type": bs.V3 + "extensions.resource_monitors." + message, **fields}}


def action(name, trigger=None, resource="injected_resource", **fields):
    return {"name": ACTION + name,
            "triggers": [{"name": MONITOR + resource,
                          **(trigger or {"threshold": {"value": 0.9}})}], **fields}


def manager(path, *actions, **fields):
    injected = monitor("injected_resource", "injected_resource.v3.InjectedResourceConfig",
                       filename=str(path))
    return {"refresh_interval": "0.02s", "resource_monitors": [injected],
            "actions": list(actions), **fields}


class Pressed:
    """A proxy whose pressure a test sets, as a number in a file."""

    def __init__(self, place, *actions, listener=None, hcm=None, origin=None, cluster=None):
        self.place = place
        self.admin = free_port()
        place.port = free_port()
        self.file = place.directory / "pressure"
        self.file.write_text("0")
        hcm = bs.hcm(access_log=[bs.file_log(place.log.path, LOG)], **(hcm or {}))
        origin = origin or place.server()
        self.weir = place.start(bs.bootstrap(
            [bs.listener(place.port, hcm, **(listener or {}))],
            [bs.cluster(origin.port, **(cluster or {}))],
            overload_manager=manager(self.file, *actions),
            admin={"address": bs.address(self.admin)}))
        self.actions = actions

    def stats(self):
        return stats_of(self.admin)

    def press(self, value, percent=None):
        """Sets the pressure, and waits until the first action has answered to it. Workers have
        been told by then: their word was posted before the statistics could be read."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(value))
        fresh.rename(self.file)
        percent = str((100 if value >= 0.9 else 0) if percent is None else percent)
        name = f"overload.{self.actions[0]['name']}.scale_percent"
        wait_for(lambda: self.stats()[name] == percent, f"{name} is {percent}")

    def has(self, name, value):
        wait_for(lambda: self.stats()[name] == str(value), f"{name} is {value}")


def test_requests_are_refused_under_pressure_and_served_after_it(place):
    pressed = Pressed(place, action("stop_accepting_requests"))
    client = place.client()
    assert client.ask().status == 200
    pressed.press(0.95)
    refused = client.ask()
    assert (refused.status, refused.body) == (503, b"overloaded")
    assert refused.get("connection") is refused.get("x-envoy-local-overloaded") is None
    assert client.ask().status == 503  # on the same connection
    stats = pressed.stats()
    assert stats["http.test.downstream_rq_overload_close"] == "2"
    assert stats[f"overload.{MONITOR}injected_resource.pressure"] == "95"
    assert stats[f"overload.{ACTION}stop_accepting_requests.active"] == "1"
    pressed.press(0.5)
    assert client.ask().status == 200
    assert place.log.lines(4)[1:3] == ["HTTP/1.1 503 OM overload"] * 2
    assert "is saturated" in pressed.weir.output()
    assert "no longer saturated" in pressed.weir.output()


def test_requests_over_http2_are_refused_alone(place):
    origin = place.origin()
    pressed = Pressed(place, action("stop_accepting_requests"), origin=origin)
    client = place.h2_client()
    running = client.start()
    wire = origin.accept()
    wire.request()
    pressed.press(1)
    refused = client.ask("POST", body=b"x" * 1000)
    assert (refused.status, refused.body) == (503, b"overloaded")
    wire.send(answer(body=b"was there before"))
    assert client.response(running).body == b"was there before"
    pressed.press(0)
    next_one = client.start()
    wire.request()
    wire.send(answer(body=b"again"))
    assert client.response(next_one).body == b"again"
    assert not client.goaways
    assert place.log.lines(3)[0] == "HTTP/2 503 OM overload"


def test_a_grpc_client_is_told_in_its_own_words(place):
    pressed = Pressed(place, action("stop_accepting_requests"))
    client = place.h2_client()
    pressed.press(1)
    refused = client.ask("POST", fields=[("content-type", "application/grpc"), ("te", "trailers")])
    assert (refused.status, refused.get("grpc-status")) == (200, "14")


def test_a_header_says_so_where_it_is_asked_for(place):
    pressed = Pressed(place, action("stop_accepting_requests"),
                      hcm={"append_local_overload": True})
    pressed.press(1)
    assert fetch(place.port).get("x-envoy-local-overloaded") == "true"


def test_a_refused_upload_ends_with_its_answer(place):
    """What the client still sends is no request."""
    origin = place.server()
    pressed = Pressed(place, action("stop_accepting_requests"), origin=origin)
    pressed.press(1)
    client = place.client()
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n" + b"x" * 10)
    response = client.response()
    assert (response.status, response.get("connection")) == (503, "close")
    client.send(request(path="/smuggled"))
    assert client.ended()
    assert origin.requests == []


def test_a_scaled_trigger_refuses_a_share(place):
    scaled = {"scaled": {"scaling_threshold": 0.2, "saturation_threshold": 0.6}}
    pressed = Pressed(place, action("stop_accepting_requests", scaled))
    pressed.press(0.4, percent=50)
    client = place.client()
    answers = [client.ask().status for _ in range(400)]
    assert set(answers) == {200, 503}
    assert 120 < answers.count(503) < 280  # eight standard deviations
    assert pressed.stats()[f"overload.{ACTION}stop_accepting_requests.active"] == "0"
    pressed.press(0.6, percent=100)
    assert {client.ask().status for _ in range(20)} == {503}


def test_http1_connections_end_with_their_response(place):
    pressed = Pressed(place, action("disable_http_keepalive"))
    client = place.client()
    assert client.ask().get("connection") is None
    pressed.press(1)
    last = client.ask()
    assert (last.status, last.get("connection")) == (200, "close")
    assert client.ended()
    pressed.has("http.test.downstream_cx_overload_disable_keepalive", 1)
    pressed.press(0)
    assert place.client().ask().get("connection") is None


def test_http2_connections_are_drained(place):
    origin = place.origin()
    pressed = Pressed(place, action("disable_http_keepalive"), origin=origin)
    client = place.h2_client()
    first = client.start()
    wire = origin.accept()
    wire.request()
    pressed.press(1)
    second = client.start()
    other = origin.accept()
    other.request()
    assert client.until(lambda: len(client.goaways) == 2)
    assert client.goaways == [(0, 2**31 - 1), (0, second)]
    for end in (wire, other):
        end.send(answer(body=b"whole"))
    assert client.response(first).body == client.response(second).body == b"whole"
    assert not client.until(lambda: False)
    pressed.has("http.test.downstream_cx_overload_disable_keepalive", 1)


def answered(port, patience=0.3):
    """Whether a new connection is served within the time."""
    with Client(port) as client:
        client.sock.settimeout(patience)
        client.send(request())
        try:
            return client.sock.recv(1) != b""
        except TimeoutError:
            return False


def test_listeners_stop_accepting_and_resume(place):
    pressed = Pressed(place, action("stop_accepting_connections"))
    kept = place.client()
    assert kept.ask().status == 200
    pressed.press(1)
    wait_for(lambda: not answered(place.port, 0.1), "nobody is accepted")
    assert kept.ask().status == 200  # who is in is served
    waiting = place.client()
    waiting.send(request(path="/patient"))
    pressed.press(0)
    assert waiting.response().status == 200  # it waited in the kernel's queue
    assert answered(place.port, 10)


def test_a_held_listener_still_drains(place):
    pressed = Pressed(place, action("stop_accepting_connections"))
    pressed.press(1)
    pressed.weir.signal(15)
    assert pressed.weir.wait(5) == 0


def test_incoming_connections_are_rejected(place):
    pressed = Pressed(place, action("reject_incoming_connections"))
    kept = place.client()
    assert kept.ask().status == 200
    pressed.press(1)
    client = place.client()
    assert client.read_to_end() == b""
    assert kept.ask().status == 200
    pressed.has(f"listener.127.0.0.1_{place.port}.downstream_cx_overload_reject", 1)
    pressed.press(0)
    assert place.client().ask().status == 200


def test_a_listener_may_bypass_all_of_it(place):
    names = ["stop_accepting_requests", "disable_http_keepalive", "stop_accepting_connections",
             "reject_incoming_connections"]
    pressed = Pressed(place, *map(action, names), listener={"bypass_overload_manager": True})
    pressed.press(1)
    client = place.client()
    response = client.ask()
    assert (response.status, response.get("connection")) == (200, None)
    h2_client = place.h2_client()
    assert h2_client.ask().status == 200
    assert not h2_client.goaways


def test_free_memory_is_given_back(place):
    config = {"@type": bs.V3 + "config.overload.v3.ShrinkHeapConfig",
              "timer_interval": "0.02s", "max_unfreed_memory_bytes": 1}
    pressed = Pressed(place, action("shrink_heap", typed_config=config))
    name = f"overload.{ACTION}shrink_heap.shrink_count"
    assert pressed.stats()[name] == "0"
    pressed.press(1)
    # A sanitizer's allocator tells of no free memory, so nothing is to be given back.
    if not pressed.weir.sanitized:
        wait_for(lambda: int(pressed.stats()[name]) >= 2, "the heap shrinks")
    assert place.client().ask().status == 200


def test_the_process_s_own_memory_is_a_resource(place):
    """A heap that is too small for anybody refuses from the first request on."""
    admin = free_port()
    place.port = free_port()
    heap = monitor("fixed_heap", "fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=4096)
    place.start(bs.bootstrap(
        [bs.listener(place.port)], [bs.cluster(place.server().port)],
        overload_manager={"resource_monitors": [heap],
                          "actions": [action("stop_accepting_requests", resource="fixed_heap")]},
        admin={"address": bs.address(admin)}))
    wait_for(lambda: fetch(place.port).status == 503, "the first look")
    assert int(stats_of(admin)[f"overload.{MONITOR}fixed_heap.pressure"]) > 1000


def test_a_resource_that_cannot_be_read_keeps_its_pressure(place):
    pressed = Pressed(place, action("stop_accepting_requests"))
    pressed.press(1)
    pressed.file.unlink()
    name = f"overload.{MONITOR}injected_resource."
    wait_for(lambda: int(pressed.stats()[name + "failed_updates"]) > 0, "a failed update")
    stats = pressed.stats()
    assert (stats[name + "pressure"], stats[name + "skipped_updates"]) == ("100", "0")
    assert fetch(place.port).status == 503


def test_prometheus_shows_it(place):
    pressed = Pressed(place, action("stop_accepting_requests"))
    pressed.press(0.92)
    page = fetch(pressed.admin, path="/stats/prometheus", host="localhost").body.decode()
    assert "envoy_overload_envoy_resource_monitors_injected_resource_pressure 92" in page
    assert "envoy_overload_envoy_overload_actions_stop_accepting_requests_active 1" in page


def refusal(directory, overload_manager):
    """What is said of a configuration that must be refused."""
    path = directory / "weir.yaml"
    path.write_text(json.dumps(bs.bootstrap([bs.listener(10000)], [bs.cluster(1)],
                                            overload_manager=overload_manager)))
    done = subprocess.run([weir_binary(), "--mode", "validate", "-c", str(path)],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    return done.stderr


# (what the manager gets, what the report says)
REFUSED = [
    ({"actions": [action("reset_high_memory_stream")]},
     "actions[0].name: 'envoy.overload_actions.reset_high_memory_stream' is not supported"),
    ({"actions": [action("reduce_timeouts")]}, "timeouts are not shortened"),
    ({"actions": [action("make_coffee")]}, "there is no such action"),
    ({"actions": [action("shrink_heap"), action("shrink_heap")]}, "stands above already"),
    ({"actions": [action("shrink_heap", resource="fixed_heap")]},
     "actions[0].triggers[0].name: no resource monitor is named"),
    ({"actions": [{"name": ACTION + "shrink_heap"}]}, "expected at least one trigger"),
    ({"actions": [action("shrink_heap", {"threshold": {"value": 1.5}})]},
     "threshold.value: expected 0 to 1"),
    ({"actions": [action("shrink_heap", {"scaled": {"scaling_threshold": 0.5,
                                                    "saturation_threshold": 0.5}})]},
     "scaling_threshold has to be less than saturation_threshold"),
    ({"actions": [action("stop_accepting_requests",
                         typed_config={"@type": bs.V3 + "config.overload.v3.ShrinkHeapConfig"})]},
     "this action has no configuration of its own"),
    ({"loadshed_points": [{"name": "envoy.load_shed_points.tcp_listener_accept",
                           "triggers": action("x")["triggers"]}]},
     "use the action envoy.overload_actions.reject_incoming_connections"),
    ({"buffer_factory_config": {"minimum_account_to_track_power_of_two": 20}},
     "buffer_factory_config: the memory of a stream is not tracked"),
    ({"refresh_interval": "0s"}, "refresh_interval: expected at least 1ms"),
    ({"resource_monitors": [monitor("cpu", "cpu_utilization.v3.CpuUtilizationConfig")]},
     "no such monitor is supported: "
     "envoy.extensions.resource_monitors.cpu_utilization.v3.CpuUtilizationConfig"),
    ({"resource_monitors": [monitor("fixed_heap", "fixed_heap.v3.FixedHeapConfig")]},
     "max_heap_size_bytes: expected at least 1"),
]


@pytest.mark.parametrize("fields,text", REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_what_cannot_be_done_is_refused(tmp_path, fields, text):
    assert text in refusal(tmp_path, {**manager("/nowhere"), **fields})


def test_the_limit_of_connections_triggers_nothing(tmp_path):
    limit = monitor("global_downstream_max_connections",
                    "downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=5)
    heap = action("shrink_heap", resource="global_downstream_max_connections")
    text = refusal(tmp_path, {"resource_monitors": [limit], "actions": [heap]})
    assert "limits connections by itself and triggers nothing" in text
