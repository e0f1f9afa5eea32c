"""What is added to, changed in and removed from the heads in both directions."""

import re

import pytest

import bootstrap as bs
from origin import answer
from raw_client import fetch, request

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LOOPBACK_IS_INTERNAL = {"internal_address_config": {
    "cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}}


def both(place, reply=answer(body=b"ok"), ask=None, hcm=None, **config):
    """(what the origin saw, what the client saw)"""
    origin = place.server(reply)
    place.weir(origin, hcm=hcm, **config)
    response = fetch(place.port, **(ask or {}))
    return origin.requests[0], response


def test_plain_request_carries_what_envoy_adds(place):
    seen, response = both(place, ask={"accept": "*/*"})
    assert {name.lower() for name, _ in seen.fields} == {
        "host", "accept", "x-forwarded-proto", "x-request-id", "x-envoy-expected-rq-timeout-ms"}
    assert seen.get("x-forwarded-proto") == "http"
    assert seen.get("x-envoy-expected-rq-timeout-ms") == "15000"
    assert {name.lower() for name, _ in response.fields} == {
        "content-length", "date", "server", "x-envoy-upstream-service-time"}


def test_request_id_is_a_new_uuid_for_each_request(place):
    origin = place.server()
    place.weir(origin)
    client = place.client()
    for _ in range(20):
        client.ask()
    ids = [seen.get("x-request-id") for seen in origin.requests]
    assert all(UUID.fullmatch(one) for one in ids)
    assert len(set(ids)) == 20


def test_request_id_of_a_stranger_is_replaced_at_the_edge(place):
    seen, _ = both(place, ask={"x_request_id": "theirs"}, hcm={"use_remote_address": True})
    assert UUID.fullmatch(seen.get("x-request-id"))


def test_request_id_of_an_internal_client_is_kept(place):
    seen, _ = both(place, ask={"x_request_id": "theirs"},
                   hcm={"use_remote_address": True, **LOOPBACK_IS_INTERNAL})
    assert seen.get("x-request-id") == "theirs"


def test_request_id_of_a_stranger_is_kept_when_asked_for(place):
    seen, _ = both(place, ask={"x_request_id": "theirs"},
                   hcm={"use_remote_address": True, "preserve_external_request_id": True})
    assert seen.get("x-request-id") == "theirs"


def test_request_id_can_be_left_out(place):
    seen, _ = both(place, hcm={"generate_request_id": False})
    assert seen.get("x-request-id") is None


def test_request_id_in_the_response(place):
    seen, response = both(place, hcm={"always_set_request_id_in_response": True})
    assert response.get("x-request-id") == seen.get("x-request-id")


def test_forwarded_for_names_the_client_when_the_remote_address_is_used(place):
    seen, _ = both(place, hcm={"use_remote_address": True})
    assert seen.get("x-forwarded-for") == "127.0.0.1"
    assert seen.get("x-envoy-internal") is None


def test_an_internal_client_is_marked(place):
    seen, _ = both(place, hcm={"use_remote_address": True, **LOOPBACK_IS_INTERNAL})
    assert seen.get("x-envoy-internal") == "true"
    assert seen.get("x-envoy-external-address") is None


def test_forwarded_for_is_appended_to(place):
    seen, _ = both(place, ask={"x_forwarded_for": "192.0.2.1"}, hcm={"use_remote_address": True})
    assert seen.get("x-forwarded-for").replace(" ", "") == "192.0.2.1,127.0.0.1"


def test_forwarded_for_is_left_alone_without_use_remote_address(place):
    seen, _ = both(place, ask={"x_forwarded_for": "192.0.2.1"})
    assert seen.get("x-forwarded-for") == "192.0.2.1"


def test_skip_xff_append(place):
    seen, _ = both(place, hcm={"use_remote_address": True, "skip_xff_append": True})
    assert seen.get("x-forwarded-for") is None


def test_forwarded_host_on_host_rewrite(place):
    routes = [
        bs.route(action={"host_rewrite_literal": "in.example", "append_x_forwarded_host": True})]
    seen, _ = both(place, routes=routes)
    assert (seen.get("host"), seen.get("x-forwarded-host")) == ("in.example", "test.example")


def test_via_in_both_directions(place):
    seen, response = both(place, hcm={"via": "edge-1"})
    assert (seen.get("via"), response.get("via")) == ("edge-1", "edge-1")


def test_server_name_and_its_transformations(place):
    reply = answer(body=b"ok", server="theirs")
    _, response = both(place, reply, hcm={"server_name": "mine"})
    assert response.get("server") == "mine"


@pytest.mark.parametrize("how, expected", [("PASS_THROUGH", "theirs"),
                                           ("APPEND_IF_ABSENT", "theirs"),
                                           ("OVERWRITE", "envoy-or-weir")])
def test_server_header_transformation(place, how, expected):
    _, response = both(place, answer(server="theirs"), hcm={"server_header_transformation": how})
    if expected == "theirs":
        assert response.get("server") == "theirs"
    else:
        assert response.get("server") == "weir"


def test_pass_through_adds_no_server_header(place):
    _, response = both(place, hcm={"server_header_transformation": "PASS_THROUGH"})
    assert response.get("server") is None


def test_hop_by_hop_fields_stay_on_their_hop(place):
    """RFC 9110 §7.6.1."""
    ask = {"connection": "keep-alive, x-hop", "x_hop": "1", "keep_alive": "timeout=5",
           "proxy_connection": "keep-alive", "te": "trailers", "x_end": "2"}
    seen, response = both(place, answer(connection="x-secret", x_secret="1",
                                        keep_alive="timeout=3"), ask)
    assert seen.get("x-end") == "2"
    for name in ("connection", "keep-alive", "proxy-connection", "x-hop"):
        assert seen.get(name) is None, name
    assert response.get("keep-alive") is None


def add(key, value, action=None):
    return {"header": {"key": key, "value": value}, **({"append_action": action} if action else {})}


def test_headers_are_added_by_route_host_and_table_in_that_order(place):
    origin = place.server()
    hosts = [bs.virtual_host([bs.route(request_headers_to_add=[add("x-level", "route")])],
                             request_headers_to_add=[add("x-level", "host")])]
    place.weir(origin, hosts=hosts,
               hcm={"route_config": {"virtual_hosts": hosts,
                                     "request_headers_to_add": [add("x-level", "table")]}})
    fetch(place.port, x_level="client")
    assert ",".join(origin.requests[0].all("x-level")) == "client,route,host,table"


@pytest.mark.parametrize("action, expected", [
    ("APPEND_IF_EXISTS_OR_ADD", ["theirs", "ours"]),
    ("OVERWRITE_IF_EXISTS_OR_ADD", ["ours"]),
    ("ADD_IF_ABSENT", ["theirs"]),
    ("OVERWRITE_IF_EXISTS", ["ours"]),
])
def test_append_actions(place, action, expected):
    routes = [bs.route(request_headers_to_add=[add("x-a", "ours", action)],
                       response_headers_to_add=[add("x-a", "ours", action)])]
    seen, response = both(place, answer(x_a="theirs"), {"x_a": "theirs"}, routes=routes)
    assert seen.all("x-a") == expected
    assert response.all("x-a") == expected


def test_headers_are_removed(place):
    routes = [
        bs.route(request_headers_to_remove=["x-secret"], response_headers_to_remove=["x-inner"])]
    seen, response = both(place, answer(x_inner="1", x_outer="2"), {"x_secret": "1", "x_open": "2"},
                          routes=routes)
    assert (seen.get("x-secret"), seen.get("x-open")) == (None, "2")
    assert (response.get("x-inner"), response.get("x-outer")) == (None, "2")


def test_header_values_are_formatted(place):
    routes = [
        bs.route(request_headers_to_add=[
            add("x-from", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
            add("x-path", "%REQ(:PATH)%"),
            add("x-p", "%PROTOCOL%")],
                 response_headers_to_add=[add("x-code", "%RESPONSE_CODE%")])]
    seen, response = both(place, answer(201), {"path": "/a/b"}, routes=routes)
    assert (seen.get("x-from"), seen.get("x-path"), seen.get("x-p")) == ("127.0.0.1", "/a/b",
                                                                         "HTTP/1.1")
    assert response.get("x-code") == "201"


def test_internal_headers_of_strangers_are_stripped_at_the_edge(place):
    internal = {"internal_address_config": {"unix_sockets": False,
                                            "cidr_ranges": [{"address_prefix": "10.0.0.0",
                                                             "prefix_len": 8}]}}
    seen, _ = both(place, ask={"x_envoy_upstream_rq_timeout_ms": "1", "x_envoy_internal": "true"},
                   hcm={"use_remote_address": True, **internal})
    assert seen.get("x-envoy-internal") is None
    assert seen.get("x-envoy-expected-rq-timeout-ms") == "15000"
    assert seen.get("x-envoy-external-address") == "127.0.0.1"


def test_repeated_fields_stay_apart_and_in_order(place):
    origin = place.server(
        b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n")
    place.weir(origin)
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\nx-n: 1\r\nx-o: x\r\nx-n: 2\r\n\r\n")
    assert client.response().all("set-cookie") == ["a=1", "b=2"]
    assert origin.requests[0].all("x-n") == ["1", "2"]


def test_values_pass_byte_by_byte(place):
    origin = place.server(b"HTTP/1.1 200 OK\r\nx-b: \xc3\xa9\xff\r\ncontent-length: 0\r\n\r\n")
    place.weir(origin)
    client = place.client()
    client.send(b"GET / HTTP/1.1\r\nHost: t\r\nx-a: \xe2\x82\xac \x80\r\n\r\n")
    assert b"\xc3\xa9\xff" in client.response().raw_head
    assert b"\xe2\x82\xac \x80" in origin.requests[0].raw_head


@pytest.mark.parametrize("options, path, expected", [
    ({}, "/a/../b//c", "/a/../b//c"),
    ({"normalize_path": True}, "/a/../b/./c", "/b/c"),
    ({"normalize_path": True}, "/%61/%7e", "/a/~"),
    ({"merge_slashes": True}, "/a//b///c", "/a/b/c"),
    ({"normalize_path": True, "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"
      }, "/a%2Fb", "/a/b"),
    ({}, "/a%2Fb", "/a%2Fb"), ])
def test_path_normalisation(place, options, path, expected):
    seen, _ = both(place, ask={"path": path}, hcm=options)
    assert seen.target == expected


@pytest.mark.parametrize("action, status", [("REJECT_REQUEST", 400),
                                            ("UNESCAPE_AND_REDIRECT", 307)])
def test_escaped_slashes_can_be_refused_or_redirected(place, action, status):
    origin = place.server()
    place.weir(origin, hcm={"path_with_escaped_slashes_action": action})
    response = fetch(place.port, path="/a%2Fb")
    assert response.status == status
    assert origin.requests == []
    if status == 307:
        assert response.get("location") == "/a/b"


@pytest.mark.parametrize("options, host, expected", [
    ({"strip_any_host_port": True}, "a.example:1234", "a.example"),
    ({"strip_trailing_host_dot": True}, "a.example.", "a.example"),
    ({}, "a.example:1234", "a.example:1234"),
])
def test_host_normalisation(place, options, host, expected):
    seen, _ = both(place, ask={"host": host}, hcm=options)
    assert seen.get("host") == expected


def test_local_answers_also_carry_server_and_date(place):
    place.weir(9, routes=[bs.route(match={"prefix": "/only"})])
    response = fetch(place.port)
    assert response.status == 404
    assert response.get("server") == "weir"
    assert response.get("date").endswith(" GMT")


def test_the_origins_date_is_kept(place):
    date = "Tue, 15 Nov 1994 08:12:31 GMT"
    _, response = both(place, answer(date=date))
    assert response.get("date") == date


def test_method_and_target_reach_the_origin_as_they_came(place):
    origin = place.server()
    place.weir(origin)
    client = place.client()
    target = "/a%20b/%E2%82%AC;p=1/~!$&'()*+,=:@?x=%00&y=a+b&z"
    client.send(request("PROPFIND", target))
    assert client.response().status == 200
    assert origin.requests[0].start == f"PROPFIND {target} HTTP/1.1"


def test_the_scheme_may_follow_the_upstream(place):
    place.weir(place.server(), log="%REQ(:SCHEME)%", routes=[bs.route()],
               hcm={"scheme_header_transformation": {"match_upstream": True}})
    place.client().ask(path="/", x_forwarded_proto="https")
    assert place.log.line() == "http"
