"""How `make soak` judges what grew."""

import pytest

from bench.soak import Sample, by_minute, judge

_STEADY = [(float(at), 0.010 + at % 7 / 1000) for at in range(1000)]


def _samples(name: str, *values: float) -> list[Sample]:
    """One in the middle of each part of the time, and one at either end."""
    parts = [(200.0 * part + 100, value) for part, value in enumerate(values)]
    return [
        Sample(at, {name: value}) for at, value in [(0.0, values[0]), *parts, (1e3, values[-1])]
    ]


@pytest.mark.parametrize(
    ("name", "values", "holds"),
    [
        ("memory of api, MB", (50, 100, 102, 103, 104), True),
        ("memory of worker, MB", (50, 100, 102, 104, 106), False),
        ("memory of postgres, MB", (50, 100, 150, 200, 250), True),
        ("other file handles of api", (40, 60, 60, 60, 60), True),
        ("other file handles of api", (40, 60, 61, 62, 63), False),
        ("pool of api", (4, 6, 7, 7, 8), True),
        ("pool of Redis", (14, 15, 15, 16, 16), True),
        ("connections of Redis beyond one a thread", (0, 0, 0, 0, 0), True),
        ("connections of Redis beyond one a thread", (0, 0, 0, 1, 2), False),
    ],
)
def test_what_grew_since_it_was_warm_is_told(name, values, holds) -> None:
    found = {each.name: each for each in judge(_samples(name, *values), _STEADY)}
    assert found[name].holds is holds
    assert found["p99, ms"].holds


def test_the_connection_of_a_job_at_work_is_none_that_was_lost() -> None:
    busy = [Sample(at, {"connections": 3.0 if at > 900 else 2.0}) for at in range(0, 1000, 10)]
    leaking = [Sample(each.at, {"connections": 2.0 + (each.at > 700)}) for each in busy]
    assert judge(busy, _STEADY)[0].holds
    assert not judge(leaking, _STEADY)[0].holds


def test_what_closes_when_nobody_asks_any_more_hides_nothing() -> None:
    """Its connections are the most of the API's file handles, and the last sample may come behind them."""
    handles = "other file handles of api"
    leaking = [Sample(float(at), {handles: 165.0 + at // 100}) for at in range(0, 1000, 10)]
    over = Sample(1004.0, {handles: 66.0})
    found = {each.name: each for each in judge([*leaking, over], _STEADY)}
    assert not found[handles].holds


def test_answers_that_become_slower_are_told() -> None:
    slower = [(at, seconds * (1.5 if at > 800 else 1)) for at, seconds in _STEADY]
    (verdict,) = (
        each for each in judge(_samples("x", 1, 1, 1, 1, 1), slower) if each.name == "p99, ms"
    )
    assert not verdict.holds
    assert verdict.growth == pytest.approx(0.5, abs=0.01)


def test_a_minute_that_is_not_over_is_not_told() -> None:
    told = by_minute(range(1000, 1150), float, lambda those: float(max(those)))
    assert told == ["1059.00", "1119.00"]
