"""What is found where nothing is, how soon what is there, and the sizes of groups."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.experiments.analysis import (
    ALPHA,
    LEAST_USERS,
    Rates,
    compare,
    ratio,
    sample_ratio,
)

TESTS, USERS = 2000, 3000


def simulated(control: float, rate: float, share: float = 0.5, users: int = USERS) -> Rates:
    """2,000 experiments, each looked at after every user."""
    chance = np.random.default_rng(1)
    is_variant = chance.random((TESTS, users)) < share
    did = chance.random((TESTS, users)) < np.where(is_variant, rate, control)
    counts = [is_variant, is_variant & did, did]
    variant, variant_did, all_did = (np.cumsum(each, axis=1, dtype=np.int32) for each in counts)
    return Rates(np.arange(1, users + 1) - variant, all_did - variant_did, variant, variant_did)


def at(rates: Rates, number: int) -> Rates:
    """One of the experiments."""
    return Rates(
        rates.control_users[number],
        rates.control_successes[number],
        rates.users[number],
        rates.successes[number],
    )


@pytest.mark.parametrize(
    ("rate", "share", "effect"),
    [(0.01, 0.2, 0.02), (0.05, 0.5, 0.03), (0.2, 0.2, 0.05), (0.5, 0.5, 0.05)],
)
def test_a_difference_that_is_not_there_is_found_in_one_of_twenty_at_most(
    rate, share, effect
) -> None:
    """Under continuous looking; a test of fixed size would find one in nearly every other experiment."""
    found = (ratio(simulated(rate, rate, share), effect) >= 1 / ALPHA).any(axis=1)
    told = f"{found.mean():.2%} of {TESTS} A/A tests, rate {rate}, {share} in the variant"
    print(told)  # noqa: T201 - shown by `pytest -rP`
    assert found.mean() <= ALPHA


def test_a_test_of_fixed_size_would_not_bear_the_looking() -> None:
    rates = simulated(0.2, 0.2)
    pooled = (rates.successes + rates.control_successes) / np.arange(1, USERS + 1)
    variance = pooled * (1 - pooled) * (1 / np.maximum(rates.users, 1) + 1 / np.maximum(rates.control_users, 1))  # fmt: skip
    difference = rates.successes / np.maximum(rates.users, 1) - rates.control_successes / np.maximum(rates.control_users, 1)  # fmt: skip
    late = slice(2 * LEAST_USERS, None)
    z = np.abs(difference[:, late]) / np.sqrt(variance[:, late])
    assert (z > 1.96).any(axis=1).mean() > 4 * ALPHA


def test_what_is_there_is_found_by_most_and_told_with_its_sign() -> None:
    rates = simulated(0.2, 0.3)
    found = (ratio(rates, 0.05) >= 1 / ALPHA).any(axis=1)
    assert found.mean() > 0.95
    told = compare(at(rates, 0), 0.05)
    assert told.p_value <= ALPHA
    assert told.lower < told.difference < told.upper
    assert told.difference > 0


def test_the_interval_holds_the_difference_at_every_look() -> None:
    true = 0.1
    rates, effect = simulated(0.2, 0.2 + true, users=1000), 0.05
    looks = range(2 * LEAST_USERS + 50, 1000, 50)
    missed = np.zeros(500, dtype=bool)
    for number in range(500):
        one = at(rates, number)
        for look in looks:
            told = compare(Rates(*(each[:look] for each in (one.control_users, one.control_successes, one.users, one.successes))), effect)  # fmt: skip
            missed[number] |= told is not None and not told.lower <= true <= told.upper
    assert missed.mean() <= ALPHA


def test_interval_and_test_agree_and_a_p_value_never_rises() -> None:
    one = at(simulated(0.2, 0.24), 3)
    values = []
    for look in range(1, USERS, 37):
        cut = Rates(one.control_users[:look], one.control_successes[:look], one.users[:look], one.successes[:look])  # fmt: skip
        told = compare(cut, 0.05)
        if told is None:
            assert min(cut.control_users[-1], cut.users[-1]) < LEAST_USERS
            continue
        now = ratio(cut, 0.05)[-1]
        assert (now > 1 / ALPHA) == (not told.lower <= 0 <= told.upper)
        values.append(told.p_value)
    assert values == sorted(values, reverse=True)
    assert 0 < values[-1] <= 1


def test_nobody_and_nothing_are_no_result() -> None:
    nobody = np.array([])
    assert compare(Rates(nobody, nobody, nobody, nobody), 0.05) is None
    users, none = np.arange(1.0, 300.0), np.zeros(299)
    told = compare(Rates(users, none, users, none), 0.05)
    assert told.difference == 0
    assert told.p_value == 1
    assert told.lower < 0 < told.upper


@given(
    st.lists(st.integers(0, 10_000), min_size=2, max_size=6),
    st.lists(st.integers(1, 9), min_size=6, max_size=6),
)
def test_sizes_are_judged_as_scipy_does(counts, weights) -> None:
    whole = sum(weights[: len(counts)])
    shares = [weight / whole for weight in weights[: len(counts)]]
    if not sum(counts):
        assert sample_ratio(counts, shares) == 1
        return
    expected = [sum(counts) * share for share in shares]
    wanted = scipy.stats.chisquare(counts, expected).pvalue
    assert math.isclose(sample_ratio(counts, shares), wanted, rel_tol=1e-9, abs_tol=1e-300)
