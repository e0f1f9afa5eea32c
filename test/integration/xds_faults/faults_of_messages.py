"""The control plane speaks HTTP/2, and says what makes no sense: no gRPC, no DiscoveryResponse, the
wrong types, each way to end a call."""

import time

from cases import BOTH, case
from faults_of_links import ENDED, FAILURE
from messages import CLUSTERS, ENDPOINTS, SECRETS, any_of, back, cluster, field, framed, response
from relay import GRPC, Scripted, answers
from weir_process import wait_for

STATUSES = ("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
            "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
            "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
            "UNAUTHENTICATED")
REJECTED = "cluster_manager.cds.update_rejected"


def ends(stage, script, *said):
    """Every stream ends, and it is said why."""
    stage.relay.to(Scripted(script))
    stage.logged(*said)
    stage.counted(FAILURE, 2)
    stage.serves()


@case("answers 503")
def answers_503(stage):
    ends(stage, answers(fields=[(":status", "503")], trailers=[("x", "y")]),
         ENDED + "HTTP status 503")


@case("answers with a web page")
def answers_html(stage):
    ends(stage, answers(b"<html>" * 1000, fields=[(":status", "200"),
                                                  ("content-type", "text/html")]),
         ENDED + "the answer is no gRPC")


@case("ends each call with another grpc-status, in trailers")
def statuses(stage):
    """Also one that does not exist, one that is no number, and none."""
    every_status(stage, lambda trailers: answers(trailers=trailers))


@case("ends each call with another grpc-status, in a head alone")
def statuses_at_once(stage):
    def script_of(trailers):
        def script(link, stream):
            link.h2.send_headers(stream, GRPC + trailers, end_stream=True)
            link.flush()
        return script

    every_status(stage, script_of)


def every_status(stage, script_of):
    endings = [[("grpc-status", str(code)), ("grpc-message", f"why-{code}")]
               for code in (*range(17), 99)]
    endings += [[("grpc-status", "soon")], [("x-other", "1")]]
    left = iter(endings)
    stage.relay.to(Scripted(
        lambda link, stream: script_of(next(left, endings[0]))(link, stream)))
    wait_for(lambda: "'why-99'" in stage.weir.output(), "all of them", 60)
    for code, name in enumerate(STATUSES):
        stage.logged(f"{ENDED}grpc-status {code} {name}, 'why-{code}'")
    stage.logged(f"{ENDED}grpc-status 99, 'why-99'")
    wait_for(lambda: stage.weir.output().count(f"{ENDED}grpc-status 2 UNKNOWN;") >= 2,
             "no status is said to be UNKNOWN", 20)
    stage.serves()


@case("ends the call without trailers")
def no_trailers(stage):
    def script(link, stream):
        link.h2.send_headers(stream, GRPC)
        link.h2.end_stream(stream)
        link.flush()

    ends(stage, script, ENDED)


@case("sends a compressed message that nobody allowed", BOTH)
def compressed(stage):
    ends(stage, answers(framed(response(CLUSTERS), flag=1)), ENDED + "a compressed message")


@case("sends bytes that are no gRPC message")
def no_message(stage):
    """As HTTP has them: the first five say that it is compressed, or endless."""
    ends(stage, answers(b"hello, world" * 100), ENDED + "a compressed message")


@case("promises a message of 4 GB")
def promises_too_much(stage):
    ends(stage, answers(framed(b"x" * 1000, size=0xFFFFFFFF)),
         ENDED + "a message of 4294967295 bytes, more than the 268435456 that are allowed")


@case("promises more than it sends, and ends the call")
def promises_more(stage):
    ends(stage, answers(framed(response(CLUSTERS), size=1000), trailers=[("grpc-status", "0")]),
         ENDED + "grpc-status 0 OK, in the middle of a message")


@case("promises more than it sends, and waits")
def promises_and_waits(stage):
    """Nobody can tell that it is not on its way; what was said before stays in force."""
    deaf = Scripted(answers(framed(response(CLUSTERS), size=1 << 20)))
    stage.relay.to(deaf)
    wait_for(lambda: deaf.calls == 1, "the next stream")
    time.sleep(1)
    assert stage.stat("control_plane.connected_state") == 1
    stage.serves()


@case("sends more than it promised", BOTH)
def promises_less(stage):
    """What comes behind is read as the next message's head."""
    message = response(CLUSTERS, cluster("x"), delta=stage.delta)
    ends(stage, answers(framed(message, size=len(message) - 9)), ENDED)


@case("sends a message that is no DiscoveryResponse", BOTH)
def no_response(stage):
    ends(stage, answers(framed(b"\x0a\xff\xff\xff\xff\x0f" + b"noise" * 100)),
         "xds: the control plane sent what is no envoy.service.discovery.v3.",
         ENDED + "a message that cannot be parsed")


@case("sends an empty message")
def empty_message(stage):
    """A DiscoveryResponse without any field, of no type."""
    refused_on_stream(stage, framed(b""), said="a response of type ''")


@case("answers of a type that does not exist", BOTH)
def unknown_type(stage):
    kind = "type.googleapis.com/envoy.config.nothing.v3.Nothing"
    refused_on_stream(stage, framed(response(kind, cluster("x"), delta=stage.delta)),
                      said=f"a response of type '{kind}'")


@case("answers of a type that nobody asked for", BOTH)
def unasked_type(stage):
    """It is acknowledged, or servers would send it again and again (envoy 10046)."""
    message = response(SECRETS, any_of(SECRETS, field(1, "s")), delta=stage.delta, nonce="n-secret",
                       names=["s"])
    refused_on_stream(stage, framed(message), heard=b"n-secret")


@case("sends resources of another type than it says", BOTH)
def wrong_type(stage):
    message = response(CLUSTERS, any_of(ENDPOINTS, field(1, "back")), delta=stage.delta,
                       names=["back"])
    nacked(stage, message, "expected a resource of type " + CLUSTERS)


@case("sends resources that cannot be parsed", BOTH)
def unparsable(stage):
    message = response(CLUSTERS, any_of(CLUSTERS, field(1, "back") + b"\x22\xff"),
                       delta=stage.delta, names=["back"])
    nacked(stage, message, "cannot be parsed")


@case("sends a resource without a name", BOTH)
def nameless(stage):
    message = response(CLUSTERS, any_of(CLUSTERS, b""), delta=stage.delta, names=[""])
    nacked(stage, message, "it has no name, or cannot be parsed")


@case("sends a name twice", BOTH)
def twice(stage):
    message = response(CLUSTERS, back(), cluster("x"), cluster("x"), delta=stage.delta,
                       names=["back", "x", "x"])
    nacked(stage, message, "the name stands twice in one response")
    assert '"x"' not in stage.page("/config_dump?resource=dynamic_active_clusters")


@case("sends the refused again at once, and again", BOTH)
def again_and_again(stage):
    """Each answer comes later than the one before, so that neither side does nothing else."""
    bad = framed(response(CLUSTERS, any_of(ENDPOINTS, field(1, "x")), delta=stage.delta,
                          names=["x"]))
    sent = []

    def script(link, stream):
        link.h2.send_headers(stream, GRPC)
        at = link.exchanges[stream]
        while not link.closed:
            link.send_body(stream, bad, end=False)
            sent.append(time.monotonic())
            link.until(lambda: at.body.count(b"expected a resource of type") >= len(sent))

    stage.relay.to(Scripted(script))
    wait_for(lambda: len(sent) >= 3, "the third one")
    time.sleep(2)
    stage.note(f"{len(sent)} answers in {time.monotonic() - sent[0]:.1f} s")
    assert len(sent) <= 7, len(sent)  # after 0, 0.1, 0.3, 0.7, 1.5, 3.1 s
    stage.serves()


def refused_on_stream(stage, message, said=None, heard=b""):
    """The stream goes on, nothing changes."""
    server = Scripted(answers(message))
    stage.relay.to(server)
    if said:
        stage.logged("xds: " + said)
    wait_for(lambda: heard in server.heard(), "an answer")
    assert server.calls == 1
    assert stage.stat("control_plane.connected_state") == 1
    stage.serves()


def nacked(stage, message, why):
    """The control plane is told why, the operator, too; the stream goes on."""
    before = stage.stat(REJECTED)
    server = Scripted(answers(framed(message)))
    stage.relay.to(server)
    wait_for(lambda: why.encode() in server.heard(), f"a refusal that says '{why}'")
    stage.logged(why)
    assert server.calls == 1
    stage.counted(REJECTED, before + 1)
    stage.serves()
