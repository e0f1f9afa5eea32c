"""Which route a request takes, and what the answers are that need no upstream."""

import pytest

import bootstrap as bs
from raw_client import fetch


def says(text, match, status=200):
    """A route that answers with its own name."""
    return {"match": match, "direct_response": {"status": status, "body": {"inline_string": text}}}


def host(name, domains, *routes):
    return bs.virtual_host([*routes, says(name, {"prefix": "/"})], domains)


HOSTS = [
    host("exact", ["exact.example", "port.example:8080"]),
    host("suffix", ["*.suffix.example"]),
    host("longer-suffix", ["*.longer.suffix.example"]),
    host("prefix", ["prefix.*"]),
    host("routes", ["routes.example"],
         says("path", {"path": "/exact"}),
         says("path-any-case", {"path": "/Shout", "case_sensitive": False}),
         says("regex", {"safe_regex": {"regex": "/item/[0-9]+"}}),
         says("header", {"prefix": "/h", "headers": [
             {"name": "x-kind", "string_match": {"exact": "blue"}}]}),
         says("absent", {"prefix": "/h", "headers": [{"name": "x-kind", "present_match": False}]}),
         says("query", {"prefix": "/q", "query_parameters": [
             {"name": "v", "string_match": {"exact": "2"}}]}),
         says("separated", {"path_separated_prefix": "/api"}),
         says("first", {"prefix": "/order"}),
         says("second", {"prefix": "/order/longer"})),
    host("default", ["*"]),
]

CASES = [
    ("exact.example", "/", "exact"),
    ("EXACT.example", "/", "exact"),
    ("port.example:8080", "/", "exact"),
    ("port.example", "/", "default"),
    ("a.suffix.example", "/", "suffix"),
    ("a.b.suffix.example", "/", "suffix"),
    ("a.longer.suffix.example", "/", "longer-suffix"),
    ("suffix.example", "/", "default"),
    ("prefix.com", "/", "prefix"),
    ("other.example", "/", "default"),
    ("routes.example", "/exact", "path"),
    ("routes.example", "/exact?query=1", "path"),
    ("routes.example", "/exact/", "routes"),
    ("routes.example", "/Exact", "routes"),
    ("routes.example", "/sHOUT", "path-any-case"),
    ("routes.example", "/item/42", "regex"),
    ("routes.example", "/item/42/more", "routes"),
    ("routes.example", "/item/42?x=y", "regex"),
    ("routes.example", "/h", "absent"),
    ("routes.example", "/q?v=2", "query"),
    ("routes.example", "/q?a=1&v=2", "query"),
    ("routes.example", "/q?v=3", "routes"),
    ("routes.example", "/api", "separated"),
    ("routes.example", "/api/v1", "separated"),
    ("routes.example", "/apis", "routes"),
    ("routes.example", "/order/longer", "first"),
]


@pytest.fixture(name="port", scope="module")
def fixture_port(shared_place):
    shared_place.weir(9, hosts=HOSTS)
    return shared_place.port


@pytest.mark.parametrize("authority, path, expected", CASES)
def test_the_first_matching_route_of_the_best_domain(port, authority, path, expected):
    assert fetch(port, path=path, host=authority).body.decode() == expected


def test_header_match(port):
    assert fetch(port, path="/h", host="routes.example", x_kind="blue").body == b"header"
    assert fetch(port, path="/h", host="routes.example", x_kind="red").body == b"routes"


def test_absolute_form_names_the_authority(port):
    """RFC 9112 §3.2.2: the target's authority counts, not the Host field."""
    response = fetch(port, path="http://exact.example/", host="other.example")
    assert response.body == b"exact"


def test_no_route_is_404_with_flag_nr(place):
    place.weir(9, routes=[bs.route(match={"prefix": "/only"})])
    response = fetch(place.port, path="/other")
    assert response.status == 404
    assert response.body == b""
    assert place.log.line().startswith("404 NR route_not_found")


def test_no_virtual_host_is_404(place):
    place.weir(9, hosts=[bs.virtual_host(domains=["a.example"])])
    assert fetch(place.port, host="b.example").status == 404


def test_cluster_named_by_a_header(place):
    origin = place.server()
    place.weir(origin, routes=[{"match": {"prefix": "/"}, "route": {"cluster_header": "x-to"}}])
    assert fetch(place.port, x_to="origin").status == 200
    assert fetch(place.port, x_to="nowhere").status == 503
    assert place.log.lines(2)[1].startswith("503 NC cluster_not_found")


def test_weighted_clusters_share_the_traffic(place):
    one, two = place.server(), place.server()
    action = {"weighted_clusters": {"clusters": [{"name": "origin", "weight": 80},
                                                 {"name": "two", "weight": 20}]}}
    place.weir(one, routes=[{"match": {"prefix": "/"}, "route": action}],
               clusters=[bs.cluster(two.port, name="two")])
    client = place.client()
    for _ in range(300):
        assert client.ask().status == 200
    # Six standard deviations on either side of 60.
    assert 20 <= len(two.requests) <= 100
    assert len(one.requests) + len(two.requests) == 300


REDIRECTS = [
    ({"host_redirect": "new.example"}, 301, "http://new.example/old?q=1"),
    ({"path_redirect": "/new"}, 301, "http://test.example/new?q=1"),
    ({"path_redirect": "/new", "strip_query": True}, 301, "http://test.example/new"),
    ({"prefix_rewrite": "/moved"}, 301, "http://test.example/moved?q=1"),
    ({"https_redirect": True}, 301, "https://test.example/old?q=1"),
    ({"https_redirect": True, "port_redirect": 8443}, 301, "https://test.example:8443/old?q=1"),
    ({"host_redirect": "n.example", "response_code": "FOUND"}, 302, "http://n.example/old?q=1"),
    ({"host_redirect": "n.example", "response_code": "PERMANENT_REDIRECT"}, 308,
     "http://n.example/old?q=1"),
]


@pytest.mark.parametrize("action, status, location", REDIRECTS)
def test_redirect(place, action, status, location):
    place.weir(9, routes=[{"match": {"prefix": "/old"}, "redirect": action}])
    response = fetch(place.port, path="/old?q=1")
    assert (response.status, response.get("location")) == (status, location)
    assert response.body == b""


def test_direct_response_has_no_upstream(place):
    place.weir(9, routes=[says("I am a teapot\n", {"prefix": "/"}, 418)])
    response = fetch(place.port)
    assert (response.status, response.body) == (418, b"I am a teapot\n")
    assert response.get("content-length") == "14"
    assert response.get("content-type") == "text/plain"
    assert place.log.line() == "418 - direct_response 0 14"


def test_direct_response_to_head_has_no_body(place):
    place.weir(9, routes=[says("text", {"prefix": "/"})])
    client = place.client()
    response = client.ask("HEAD")
    assert (response.status, response.get("content-length")) == (200, "4")
    assert client.ask("GET").body == b"text"


def rewritten(place, path, action=None, **fields):
    """What the origin saw of a request to `path`."""
    origin = place.server()
    place.weir(origin, routes=[bs.route(action=action, **fields)])
    assert fetch(place.port, path=path).status == 200
    return origin.requests[0]


def test_prefix_rewrite_keeps_the_original_path(place):
    request = rewritten(place,
                        "/api/v1/x?y=z", {"prefix_rewrite": "/v2"},
                        match={"prefix": "/api/v1"})
    assert request.target == "/v2/x?y=z"
    assert request.get("x-envoy-original-path") == "/api/v1/x?y=z"


def test_regex_rewrite(place):
    action = {"regex_rewrite": {"pattern": {"regex": "^/a/([^/]+)/b"}, "substitution": "/b/\\1"}}
    assert rewritten(place, "/a/one/b/c?q", action).target == "/b/one/c?q"


def test_host_rewrite_literal(place):
    request = rewritten(place, "/", {"host_rewrite_literal": "inner.example"})
    assert request.get("host") == "inner.example"


def test_host_rewrite_by_header(place):
    origin = place.server()
    place.weir(origin, routes=[bs.route(action={"host_rewrite_header": "x-host"})])
    fetch(place.port, x_host="from-header.example")
    fetch(place.port)
    assert [request.get("host") for request in origin.requests] == ["from-header.example",
                                                                    "test.example"]


def mutation(value):
    return {"@type": bs.FILTERS + "header_mutation.v3.HeaderMutationPerRoute", "mutations": {
        "response_mutations": [{"append": {"header": {"key": "x-said-by", "value": value}}}]}}


@pytest.mark.parametrize("cluster, said", [("first", ["weighted"]), ("second", ["route"])])
def test_a_weighted_cluster_configures_filters(place, cluster, said):
    """The most specific level counts: weighted cluster, route, virtual host, route table."""
    name = "mutate"
    empty = bs.http_filter(name, "header_mutation.v3.HeaderMutation", mutations={})
    weights = [
        {"name": one, "weight": 1 if one == cluster else 0,
         **({"typed_per_filter_config": {name: mutation("weighted")}} if one == "first" else {})}
        for one in ("first", "second")]
    route = {"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": weights}},
             "typed_per_filter_config": {name: mutation("route")}}
    port = place.server().port
    place.weir(clusters=[bs.cluster(port, name=one) for one in ("first", "second")], routes=[route],
               filters=[empty])
    response = place.client().ask()
    assert response.all("x-said-by")[:1] == said
