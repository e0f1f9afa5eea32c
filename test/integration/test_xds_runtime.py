"""Runtime values: layers of the bootstrap, of directories, of control planes, of the operator."""

import os
import urllib.request

import pytest

import bootstrap as bs
import control_plane as cp
from control_plane import named, page, says
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for


def rtds(kind="sotw", ads=False, name="runtime-0", **fields):
    """A layer as in go-control-plane's bootstrap, which writes `grpc_services` as one map."""
    config = cp.source("ads" if ads else kind)
    if not ads:
        services = config["api_config_source"]["grpc_services"]
        config["api_config_source"]["grpc_services"] = services[0]
    return {"name": name, "rtds_layer": {"name": name, "rtds_config": {**config, **fields}}}


def serve(place, layers, plane=None, ready=True, **fields):
    """Requests go to `one` while the runtime says so by `route.one`, else to `two`."""
    place.port = free_port()
    places = {name: named(place, name) for name in ("one", "two")}
    match = {"prefix": "/", "runtime_fraction": {"default_value": {"numerator": 0},
                                                 "runtime_key": "route.one"}}
    clusters = [bs.cluster(origin.port, name=name) for name, origin in places.items()]
    if plane is not None:
        clusters.append(cp.xds_cluster(plane))
        fields = {"node": {"id": "test-id", "cluster": "test-cluster"}, **fields}
    config = bs.bootstrap(
        [bs.listener(place.port, bs.hcm(routes=[bs.route("one", match=match), bs.route("two")]))],
        clusters, layered_runtime={"layers": layers}, **fields)
    config.update(with_admin(place))
    return place.start(config, ready=ready)


def post(place, path):
    request = urllib.request.Request(f"http://127.0.0.1:{place.admin_port}{path}", method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def final(place, key):
    entry = page(place, "/runtime")["entries"].get(key)
    return entry and entry["final_value"]


def layer(value, name="runtime-0"):
    return {"name": name, "layer": {"route": {"one": value}, "field-1": "foobar"}}


@cp.EVERY_WAY
def test_a_layer_comes_changes_and_goes(place, plane, kind, ads):
    plane.put("runtime", layer(100))
    dynamic = {"dynamic_resources": {"ads_config": cp.service(kind)}} if ads else {}
    serve(place, [{"name": "base", "static_layer": {"route.one": 0, "base": 7}},
                  rtds(kind, ads)], plane, **dynamic)
    wait_for(lambda: says(place) == "one", "the layer that was there before the start")
    entries = page(place, "/runtime")["entries"]
    assert page(place, "/runtime")["layers"] == ["base", "runtime-0"]
    assert entries["route.one"] == {"layer_values": ["0", "100"], "final_value": "100"}
    assert entries["field-1"] == {"layer_values": ["", "foobar"], "final_value": "foobar"}
    assert stat(place, "runtime.num_layers") == 2
    assert stat(place, "runtime.num_keys") == 3
    plane.put("runtime", layer({"numerator": 0, "denominator": "MILLION"}))
    wait_for(lambda: says(place) == "two", "another value")
    plane.put("runtime", layer({"numerator": 1000000, "denominator": "MILLION"}))
    wait_for(lambda: says(place) == "one", "a fraction")
    assert stat(place, "runtime.update_success") >= 3
    assert not plane.refusals()
    if kind == "delta":
        plane.remove("runtime", "runtime-0")
        wait_for(lambda: says(place) == "two", "the layer is gone")
        assert final(place, "route.one") == "0"


def test_a_layer_that_cannot_be_used_is_refused(place, plane):
    plane.put("runtime", layer(100))
    serve(place, [rtds()], plane)
    wait_for(lambda: says(place) == "one", "the first layer")
    plane.put("runtime", layer([1, 2]))
    refusals = wait_for(plane.refusals, "a refusal")
    assert "runtime-0: layer.route.one: expected a number" in refusals[0]
    assert says(place) == "one"
    assert stat(place, "runtime.update_rejected") == 1
    assert stat(place, "runtime.load_error") == 1
    plane.put("runtime", layer(0))
    wait_for(lambda: says(place) == "two", "it is mended")


def test_the_start_waits_for_the_layer(place, plane):
    weir = serve(place, [rtds()], plane)
    targets = page(place, "/init_dump")["unready_targets_dumps"]
    assert targets[0] == {"name": "Control plane", "target_names": ["rtds runtime-0"]}
    assert "starting workers" not in weir.output()
    plane.put("runtime", layer(100))
    wait_for(lambda: says(place) == "one", "the layer has come")


def test_the_start_does_not_wait_for_ever(place, plane):
    serve(place, [rtds(initial_fetch_timeout="0.1s")], plane)
    wait_for(lambda: says(place) == "two", "requests without the layer")
    assert stat(place, "runtime.init_fetch_timeout") == 1
    plane.put("runtime", layer(100))
    wait_for(lambda: says(place) == "one", "the layer, late")


def test_the_operator_has_the_last_word(place, plane):
    plane.put("runtime", layer(100))
    serve(place, [rtds(), {"name": "admin", "admin_layer": {}}], plane)
    wait_for(lambda: says(place) == "one", "the layer")
    assert post(place, "/runtime_modify?route.one=0") == "OK\n"
    assert says(place) == "two"
    assert stat(place, "runtime.admin_overrides_active") == 1
    plane.put("runtime", {"name": "runtime-0", "layer": {"route": {"one": 100}, "seen": 1}})
    wait_for(lambda: final(place, "seen") == "1", "the control plane's change")
    assert says(place) == "two"
    assert post(place, "/runtime_modify?route.one=") == "OK\n"
    assert says(place) == "one"


@pytest.mark.parametrize("by_cluster", [False, True])
def test_a_directory_is_read_again_when_it_is_swapped(place, tmp_path, by_cluster):
    def write(version, value):
        folder = tmp_path / version / "weir" / ("test-cluster" if by_cluster else ".")
        (folder / "route").mkdir(parents=True)
        (folder / "route" / "one").write_text(f"# how many\n{value}\n")
        link = tmp_path / "fresh"
        link.symlink_to(version)
        os.replace(link, tmp_path / "current")
        return folder

    first = write("v1", 100)
    weir = serve(place, [{"name": "disk", "disk_layer": {
        "symlink_root": str(tmp_path / "current"), "subdirectory": "weir",
        "append_service_cluster": by_cluster}}], node={"id": "i", "cluster": "test-cluster"})
    assert says(place) == "one"
    (first / "route" / "one").write_text("0\n")
    write("v2", "numerator: 0")
    wait_for(lambda: says(place) == "two", "the new directory")
    assert final(place, "route.one") == "numerator: 0"
    bad = tmp_path / "v3" / "weir" / ("test-cluster" if by_cluster else ".")
    bad.mkdir(parents=True)
    (bad / "big").write_text("x" * (1 << 20) + "x")
    (tmp_path / "fresh").symlink_to("v3")
    os.replace(tmp_path / "fresh", tmp_path / "current")
    wait_for(lambda: "big: has more than 1 MB" in weir.output(), "a warning")
    assert final(place, "route.one") == "numerator: 0"
    assert stat(place, "runtime.load_error") >= 1
    write("v4", 100)
    wait_for(lambda: says(place) == "one", "it is mended")


@pytest.mark.parametrize("layers,wrong", [
    ([{"name": "a", "static_layer": {}}, {"name": "a", "admin_layer": {}}],
     "layers[1].name: a layer named 'a' stands above already"),
    ([{"name": "a", "admin_layer": {}}, {"name": "b", "admin_layer": {}}],
     "an admin_layer stands above already"),
    ([{"static_layer": {}}], "layers[0].name: expected a name"),
    ([{"name": "a"}], "expected static_layer, disk_layer, admin_layer or rtds_layer"),
    ([{"name": "a", "static_layer": {"k": [1]}}], "static_layer.k: expected a number"),
    ([{"name": "a", "disk_layer": {}}], "symlink_root: expected a directory"),
    ([{"name": "a", "rtds_layer": {"rtds_config": cp.source("sotw")}}],
     "rtds_layer.name: expected the name of a Runtime resource"),
    ([rtds()], "reached through cluster 'xds_cluster', which static_resources.clusters does not"),
    ([rtds(ads=True)], "the bootstrap has no dynamic_resources.ads_config"),
])
def test_layers_that_cannot_be_are_refused(place, layers, wrong):
    weir = serve(place, layers, ready=False)
    assert weir.wait() == 1
    assert wrong in weir.output()
