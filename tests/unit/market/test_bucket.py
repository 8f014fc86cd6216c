"""The token bucket."""

from coinsphere.market.sources.bucket import TokenBucket


def test_a_burst_passes_and_then_the_rate_holds():
    now = 0.0
    slept = []

    def sleep(seconds):
        nonlocal now
        slept.append(seconds)
        now += seconds

    bucket = TokenBucket(2.0, 3, sleep, lambda: now)
    for _ in range(3):
        bucket.take()
    assert slept == []
    for _ in range(4):
        bucket.take()
    assert sum(slept) == 2.0
