"""Connections come and go by the thousand and leave no descriptor and no memory behind."""

import pathlib

import pytest

import bootstrap as bs
from churn import KINDS, churn
from weir_process import WORKERS, wait_for

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/self/fd").exists(), reason="no /proc")


# So that the pool's size does not depend on how many requests were in flight at once.
ONE_UPSTREAM = bs.thresholds(max_connections=1, max_pending_requests=10_000, max_requests=10_000)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_no_way_to_end_a_connection_leaks(place, kind):
    weir = place.weir(place.server(), cluster=ONE_UPSTREAM)
    assert place.client().ask().status == 200
    before = weir.descriptors()
    for _ in range(50):
        kind(place.port)
    wait_for(lambda: weir.descriptors() <= before + 2, "the descriptors are closed", 10)


def test_five_hundred_a_second(place):
    """Or as many as the machine can make, until it is 2,000."""
    weir = place.weir(place.server(), cluster=ONE_UPSTREAM)
    churn(place.port, 500, 1)
    wait_for(lambda: weir.descriptors() < 60, "the first wave is gone", 10)
    before, memory = weir.descriptors(), weir.memory_kib()
    made = 0
    while made < 2000:
        made += churn(place.port, 500, 1)
    wait_for(lambda: weir.descriptors() <= before + 4, "the descriptors are closed", 10)
    assert weir.memory_kib() - memory <= 512 * WORKERS
