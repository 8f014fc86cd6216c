"""Of several tokens, what fails for one holds up none of the others."""

import pytest
from psycopg import OperationalError

from coinsphere.errors import CoinsphereError
from ml.cli import each_token


def test_all_are_tried_and_the_failures_are_named():
    tried = []

    def act(symbol: str) -> None:
        tried.append(symbol)
        if symbol == "BTC":
            raise CoinsphereError("too little history")
        if symbol == "ETH":
            raise ValueError("a bug")

    failed = each_token.of_each(("BTC", "ETH", "SOL"), act)
    assert tried == ["BTC", "ETH", "SOL"]
    assert failed == ["BTC: too little history", "ETH: ValueError: a bug"]
    with pytest.raises(each_token.SomeFailed, match=r"2 of 3 failed:\n  BTC: too .*\n  ETH: Val"):
        each_token.require_none(failed, 3)
    each_token.require_none([], 3)


def test_a_database_that_is_away_ends_it_at_once():
    tried = []

    def act(symbol: str) -> None:
        tried.append(symbol)
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        each_token.of_each(("BTC", "ETH"), act)
    assert tried == ["BTC"]
