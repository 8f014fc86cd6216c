"""Implied volatility as Deribit tells it: all pages, finished days alone, and each failure as what it is."""

from datetime import UTC, date, datetime, timedelta

import httpx2
import pytest

from coinsphere.errors import BadPayload, NotListed, RateLimited, Unavailable
from coinsphere.market.sources.deribit import Deribit
from tests.fakes import deribit

FIRST = date(2024, 1, 1)
DAYS = 250
NOW = datetime(2024, 9, 7, 15, tzinfo=UTC)
"""Within the last of these days, which is unfinished."""


def candle(place: int, close: object = None) -> list[object]:
    opened = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=place)
    return [int(opened.timestamp() * 1000), 1, 2, 0.5, 50 + place / 10 if close is None else close]


@pytest.fixture
def server():
    with deribit.served() as served:
        served.candles["BTC"] = [candle(place) for place in range(DAYS + 1)]
        yield served


@pytest.fixture
def source(server):
    with httpx2.Client(timeout=30) as client:
        yield Deribit(server.url, client, lambda: NOW)


@pytest.mark.parametrize("page", [1, 37, 250, 1000])
def test_all_pages_are_read_and_only_finished_days_are_known(server, source, page):
    server.page = page
    first, end = (FIRST, date(2025, 1, 1)) if page > 1 else (date(2024, 7, 1), date(2024, 7, 20))
    found = source.implied_volatility("BTC", first, end)
    last = min(end, NOW.date())
    expected = {
        FIRST + timedelta(days=place): 50 + place / 10
        for place in range(DAYS)
        if first <= FIRST + timedelta(days=place) < last
    }
    assert found == expected
    assert list(found) == sorted(found)
    assert source.take_problems() == []
    assert {call["resolution"] for call in server.asked} == {"1D"}


@pytest.mark.parametrize(
    "row",
    [
        candle(3, 0), candle(3, -4), candle(3, "x"), candle(3)[:4], [*candle(3)[:1], 1, 2, 3, float("nan")],
        [candle(3)[0] + 5_000, 1, 1, 1, 40], ["x", 1, 1, 1, 40], [10**30, 1, 1, 1, 40],
    ],
)  # fmt: skip
def test_a_row_of_nonsense_is_told_and_the_others_are_taken(server, source, row):
    server.candles["BTC"] = [candle(2), candle(4)]
    answer = server.answer
    server.answer = lambda query: (
        200,
        answer(query)[1].replace('"data": [', f'"data": [{deribit.json.dumps(row)}, '),
    )
    assert list(source.implied_volatility("BTC", FIRST, date(2024, 2, 1))) == [
        date(2024, 1, 3),
        date(2024, 1, 5),
    ]
    (problem,) = source.take_problems()
    assert "BTC" in str(problem)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ((429, ""), RateLimited),
        ((400, '{"error": {"code": 10028, "message": "too_many_requests"}}'), RateLimited),
        ((400, '{"error": {"code": -32602, "message": "Invalid params"}}'), NotListed),
        ((500, '{"error": {"code": 11094, "message": "internal_server_error"}}'), Unavailable),
        ((503, "<html>maintenance</html>"), Unavailable),
        ((200, "<html>welcome</html>"), BadPayload),
        ((200, "[]"), BadPayload),
        ((200, '{"result": {"data": null, "continuation": null}}'), BadPayload),
        ((200, '{"result": {"data": [[1]], "continuation": null}}'), BadPayload),
        ((200, '{"result": {"data": [], "continuation": "soon"}}'), BadPayload),
        ((200, '{"result": {"data": [], "continuation": 99999999999999}}'), BadPayload),
    ],
)
def test_a_failure_is_what_it_is_and_no_page_is_asked_for_twice(server, source, refusal, error):
    server.refusal = refusal
    with pytest.raises(error):
        source.implied_volatility("BTC", FIRST, date(2025, 1, 1))
    assert len(server.asked) == 1


def test_a_currency_without_an_index_is_not_listed(source):
    with pytest.raises(NotListed, match="DOGE"):
        source.implied_volatility("DOGE", FIRST, date(2025, 1, 1))


def test_nobody_at_the_other_end_is_unavailable():
    with deribit.served() as gone:
        url = gone.url
    with httpx2.Client(timeout=5) as client, pytest.raises(Unavailable):
        Deribit(url, client, lambda: NOW).implied_volatility("BTC", FIRST, date(2025, 1, 1))
