"""Paging by time and by number: every page can be asked for again, and none is left out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from coinsphere.exchanges.model import Record
from coinsphere.exchanges.venues.pagination import Answer, Numbered, by_number, windows
from coinsphere.exchanges.venues.rows import Told
from coinsphere.portfolio.model import Kind

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def record(name: str) -> Record:
    return Record(name, Kind.REWARD, BEGIN, received=("BTC", Decimal(1)))


def test_windows_follow_one_another_to_the_present_and_the_last_days_come_again():
    asked = []

    def fetch(start, end, token):
        asked.append(((end - start) // 86_400_000, token))
        return Answer(Told([record(f"R{len(asked)}")], []), None if token else 7)

    stream = windows("x", fetch, begin=BEGIN, days=30, overlap=timedelta(days=2))
    now = BEGIN + timedelta(days=45)
    position, is_last = {}, False
    while not is_last:
        _, position, is_last, _ = stream.page(position, now)
    assert asked == [(30, None), (30, 7), (15, None), (15, 7)]
    asked.clear()
    stream.page(position, now)
    assert asked == [(2, None)]


def test_a_windows_end_does_not_move_while_its_pages_are_read():
    ends = []

    def fetch(start, end, token):
        ends.append(end)
        return Answer(Told([], []), 1 if token is None else None)

    stream = windows("x", fetch, begin=BEGIN)
    now = BEGIN + timedelta(days=9)
    _, position, *_ = stream.page({}, now)
    _, position, is_last, _ = stream.page(position, now + timedelta(days=1))
    assert ends[0] == ends[1]
    assert not is_last


def test_numbers_go_on_behind_the_last_one_that_was_seen():
    def fetch(first):
        return Numbered(
            Told([record(f"BTCUSDT-{n}") for n in range(max(first, 5), 9)], []), 9, is_last=True
        )

    stream = by_number("x", fetch)
    page = stream.page({}, BEGIN)
    assert page.position == {"from": 9}
    assert stream.page(page.position, BEGIN).records == []
