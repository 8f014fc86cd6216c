"""How long a wrong guess has to wait, and which addresses are neighbours."""

from datetime import timedelta

import pytest

from webapi.security import throttle


@pytest.mark.parametrize(
    ("recent", "consecutive", "seconds"),
    [(1, 1, 0), (4, 4, 0), (5, 5, 1), (6, 6, 2), (14, 14, 512), (15, 15, 900), (99, 99, 900)],
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(recent, consecutive, seconds) -> None:
    assert throttle._wait(recent, consecutive) == timedelta(seconds=seconds)


def test_after_a_hundred_in_a_row_there_is_no_waiting_it_out() -> None:
    assert throttle._wait(1, 100) > timedelta(days=365)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("unknown", None),
        (None, None),
    ],
)
def test_neighbours_share_a_network(address, network) -> None:
    assert throttle.network_of(address) == network
