"""What a load reporting service is told (cluster_manager.load_stats_config)."""

import pytest

import bootstrap as bs
from raw_client import request
from report_server import ReportServer
from tls_tools import stat, with_admin
from weir_process import free_port, wait_for


@pytest.fixture(name="collector")
def fixture_collector(place):
    server = ReportServer(place.directory)
    yield server
    server.close()


def reporting(place, collector, *clusters, routes=None, **options):
    place.port = free_port()
    config = bs.bootstrap(
        [bs.listener(place.port, bs.hcm(routes))], [*clusters, collector.cluster()],
        node={"id": "the-node", "cluster": "the-cluster"},
        cluster_manager={"load_stats_config": {
            "api_type": "GRPC", "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": "collector"}}]}},
        **with_admin(place))
    return place.start(config, **options)


def totals(collector, cluster, field):
    """The sum of all reports; absent fields are 0."""
    return sum(int(locality.get(field, 0))
               for line in collector.lines() for report in line.get("cluster_stats", [])
               if report["cluster_name"] == cluster
               for locality in report.get("upstream_locality_stats", []))


def test_what_the_service_is_told(place, collector):
    origin = place.server()
    broken = place.server(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n")
    reporting(place, collector, bs.cluster(origin.port), bs.cluster(broken.port, name="broken"),
              routes=[bs.route("broken", match={"path": "/broken"}), bs.route()])
    wait_for(lambda: any("cluster_stats" in line for line in collector.lines()), "a first report")
    assert collector.lines()[1]["node"]["id"] == "the-node"
    assert "cluster_stats" not in collector.lines()[1], "who it is comes first"
    client = place.client()
    for _ in range(7):
        client.ask()
    for _ in range(3):
        client.ask(path="/broken")
    wait_for(lambda: totals(collector, "origin", "total_issued_requests") == 7, "seven requests")
    wait_for(lambda: totals(collector, "broken", "total_error_requests") == 3, "three failures")
    assert totals(collector, "origin", "total_successful_requests") == 7
    ends = [one for line in collector.lines() for report in line.get("cluster_stats", [])
            for locality in report.get("upstream_locality_stats", [])
            for one in locality["upstream_endpoint_stats"]]
    assert {end["address"]["socket_address"]["port_value"] for end in ends} >= {origin.port}


def test_requests_beyond_the_limits_are_dropped_ones(place, collector):
    origin = place.origin()
    reporting(place, collector,
              bs.cluster(origin.port, **bs.thresholds(max_connections=1, max_pending_requests=1)))
    wait_for(lambda: any("cluster_stats" in line for line in collector.lines()), "a first report")
    first, second, third = place.client(), place.client(), place.client()
    first.send(request())
    origin.accept().request()
    second.send(request())
    wait_for(lambda: stat(place, "upstream_rq_pending_active") == 1, "one that waits")
    assert third.ask().status == 503
    wait_for(lambda: any(report.get("total_dropped_requests") == "1"
                         for line in collector.lines() for report in line.get("cluster_stats", [])),
             "the dropped request")


def test_the_service_comes_back(place):
    collector = ReportServer(place.directory, start=False)
    try:
        origin = place.server()
        reporting(place, collector, bs.cluster(origin.port))
        wait_for(lambda: stat(place, "load_reporter.errors") > 0, "a failure")
        assert place.client().ask().status == 200
        collector.start()
        wait_for(lambda: any("cluster_stats" in line for line in collector.lines()), "a report")
        assert stat(place, "load_reporter.retries") > 0
        assert stat(place, "load_reporter.responses") == 1
    finally:
        collector.close()
