"""Responses of 64 MB, good and bad: requests go on while they are read, and what they took comes
back."""

import time

import bootstrap as bs
from cases import BOTH, case
from faults_of_links import ENDED
from faults_of_messages import FAILURE, REJECTED
from messages import CLUSTERS, ENDPOINTS, LARGE, any_of, back, cluster_with, field, framed, response
from relay import GRPC, Scripted
from stage import slowness
from weir_process import wait_for

CALM = {"interval": "30s", "timeout": "5s"}  # gRPC's servers end who pings more while they send
MORE_MIB = 32  # than before may stay
P99 = 0.25     # seconds, of requests meanwhile


def comes_back(stage, before):
    wait_for(lambda: stage.memory() <= before + MORE_MIB,
             f"memory, {before:.0f} MiB before, {stage.memory():.0f} MiB now", 30)


def measured(stage, do):
    """Does it; requests are answered in time meanwhile, and afterwards memory is back."""
    before, begun = stage.memory(), time.monotonic()
    do()
    stage.serves()
    took = time.monotonic() - begun
    stage.recovers(60)
    comes_back(stage, before)
    stage.note(f"read in {took:.1f} s; MiB: {before:.0f}, {stage.peak():.0f} at most, "
               f"{stage.memory():.0f}")
    p99 = stage.stop_asking()
    stage.ask()
    assert p99 <= P99 * slowness(), f"p99 {p99:.3f} s"


@case("64 MB: a cluster with metadata of that size", BOTH, keepalive=CALM)
def one_large(stage):
    """It is good, and it is used; with the next configuration it is gone."""
    message = response(CLUSTERS, back(), cluster_with("large", "x" * LARGE), delta=stage.delta,
                       names=["back", "large"])

    def do():
        stage.relay.to(Scripted(once(framed(message))))
        stage.counted("cluster_manager.cluster_added", 2, 60)

    measured(stage, do)
    assert stage.stat("cluster_manager.cluster_removed") == 1


@case("64 MB: 2,000 clusters of 32 KB each", keepalive=CALM)
def many(stage):
    """By the real one, in one response."""
    text = "x" * (LARGE // 2000)
    names = [f"large-{i}" for i in range(2000)]

    def do():
        stage.plane.stop()
        for name in names:
            stage.plane.put("clusters", bs.cluster(
                stage.peer.one, name=name, metadata={"filter_metadata": {"of": {"text": text}}}))
        stage.plane.start()
        stage.counted("cluster_manager.cluster_added", 2001, 60)
        stage.plane.stop()
        for name in names:
            stage.plane.remove("clusters", name)

    measured(stage, do)
    assert stage.stat("cluster_manager.cluster_removed") == 2000


@case("64 MB that are no DiscoveryResponse", keepalive=CALM)
def noise(stage):
    body = b"\xff" * LARGE

    def do():
        stage.relay.to(Scripted(once(framed(body))))
        stage.logged("xds: the control plane sent what is no envoy.service.discovery",
                     ENDED + "a message that cannot be parsed", patience=60)
        stage.counted(FAILURE, 1)

    measured(stage, do)


@case("64 MB of clusters that are all refused", BOTH, keepalive=CALM)
def all_refused(stage):
    """A hundred thousand mistakes are told in a few lines, and in one NACK."""
    names = [f"c{i:06}" + "-" * 560 for i in range(100_000)]
    bad = [any_of(ENDPOINTS, field(1, name)) for name in names]
    message = response(CLUSTERS, *bad, delta=stage.delta, names=[name[:7] for name in names])

    def do():
        before = stage.stat(REJECTED)
        lines = stage.weir.output().count("\n")
        server = Scripted(once(framed(message)))
        stage.relay.to(server)
        wait_for(lambda: b"100000 in all" in server.heard(), "the refusal", 60)
        stage.logged("more cluster(s) are refused")
        stage.counted(REJECTED, before + 1)
        said = stage.weir.output().count("\n") - lines
        stage.note(f"{len(message) >> 20} MiB refused in {said} lines")
        assert said <= 30, said
        assert len(server.heard()) < 64 << 10, len(server.heard())

    measured(stage, do)


@case("64 MB: the name of a cluster", keepalive=CALM)
def a_long_name(stage):
    """Nobody has to keep it, or to read all of it."""
    message = response(CLUSTERS, back(), any_of(CLUSTERS, field(1, "n" * LARGE)))

    def do():
        server = Scripted(once(framed(message)))
        stage.relay.to(server)
        wait_for(lambda: b"its name has 67108864 bytes" in server.heard(), "the refusal", 60)
        stage.logged("' is refused: its name has 67108864 bytes")
        assert len(stage.weir.output()) < 100_000
        assert len(server.heard()) < 64 << 10, len(server.heard())

    measured(stage, do)


@case("300 MB: more than is taken", keepalive=CALM)
def more_than_taken(stage):
    """It is refused when it is announced."""
    def do():
        stage.relay.to(Scripted(once(framed(bytes(1 << 20), size=300 << 20))))
        stage.logged(f"{ENDED}a message of {300 << 20} bytes, more than the {256 << 20} that are "
                     "allowed")

    measured(stage, do)


def once(message):
    """A script that says it on the first call; later ones wait."""
    left = [message]

    def script(link, stream):
        link.h2.send_headers(stream, GRPC)
        link.flush()
        if left:
            link.send_body(stream, left.pop(), end=False)

    return script
