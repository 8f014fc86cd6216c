"""Which two transfers are the ends of one."""

import random
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from coinsphere.portfolio.ledger.transfer_matching import Transfer, match
from tests.unit.portfolio.conftest import MAIN, VAULT, at


def end(
    number: int, amount: object, hours: float, *, tx_hash=None, place=MAIN, exchange=None
) -> Transfer:
    return Transfer(
        UUID(int=number), place, exchange, Decimal(str(amount)), at(hours / 24), tx_hash, Decimal("0.005"),
        timedelta(hours=20),
    )  # fmt: skip


def pairs(outgoing, incoming, **decided) -> list[tuple[int, int]]:
    return [(out.int, arrival.int) for out, arrival in match(outgoing, incoming, **decided)]


def test_within_half_a_percent_and_twenty_hours() -> None:
    out = [end(1, 100, 0)]
    assert pairs(out, [end(2, "99.5", 20)]) == [(1, 2)]
    assert pairs(out, [end(2, "99.49", 1)]) == []
    assert pairs(out, [end(2, 100, 20.01)]) == []
    assert pairs(out, [end(2, 100, 20)]) == [(1, 2)]
    assert pairs(out, [end(2, "100.000000000000000001", 1)]) == []


def test_the_same_hash_first_then_the_nearest() -> None:
    out = [end(1, 10, 0, tx_hash="0xa")]
    assert pairs(out, [end(2, 10, 1), end(3, 10, 5, tx_hash="0xa")]) == [(1, 3)]
    assert pairs([end(1, 10, 0)], [end(2, 10, 5), end(3, 10, 1)]) == [(1, 3)]


def test_different_hashes_forbid_a_pair_and_an_arrival_never_comes_first() -> None:
    # 1 ETH arrived at 02:00, another left at 12:00, each with its own hash; with one hash, or none, the times decide.
    out = end(1, 1, 12, tx_hash="0xB")
    assert pairs([out], [end(2, 1, 2, tx_hash="0xa")]) == []
    assert pairs([out], [end(2, 1, 13, tx_hash="0xa")]) == []
    assert pairs([out], [end(2, 1, 2)]) == pairs([end(1, 1, 12)], [end(2, 1, 2)]) == []
    assert pairs([out], [end(2, 1, 11.95)]) == pairs([out], [end(2, 1, 13)]) == [(1, 2)]
    assert pairs([out], [end(2, 1, 11.8)]) == []
    assert pairs([out], [end(2, 1, 2, tx_hash=" b")]) == [(1, 2)]
    base58 = end(1, 1, 12, tx_hash="5VERv8")
    assert pairs([base58], [end(2, 1, 13, tx_hash="5verV8")]) == []


def test_each_end_is_used_once_in_whatever_order_they_come() -> None:
    out = [end(n, 10, n) for n in range(1, 8)]
    incoming = [end(100 + n, "9.99", n + 0.5) for n in range(1, 8)]
    wanted = [(n, 100 + n) for n in range(1, 8)]
    for seed in range(5):
        chance = random.Random(seed)
        mixed = chance.sample(out, 7), chance.sample(incoming, 7)
        # Each is as near to the one before as to the one after: the tie falls the same way.
        assert pairs(*mixed) == wanted


def test_what_the_user_said_holds() -> None:
    out, incoming = [end(1, 10, 0)], [end(2, 10, 1), end(3, 10, 2)]
    assert pairs(out, incoming, rejected=[(UUID(int=1), UUID(int=2))]) == [(1, 3)]
    assert pairs(out, incoming, confirmed=[(UUID(int=1), UUID(int=3))]) == [(1, 3)]


def test_the_same_account_is_no_transfer() -> None:
    out = [end(1, 10, 0, exchange="kraken")]
    assert pairs(out, [end(2, 10, 1, exchange="kraken")]) == []
    assert pairs(out, [end(2, 10, 1, exchange="kraken", place=VAULT)]) == [(1, 2)]
