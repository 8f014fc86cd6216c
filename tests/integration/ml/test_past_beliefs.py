"""From a correction in the database to the backtest: what was learned after an origin is undone there, and no more."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest
from click.testing import CliRunner, Result

from coinsphere.cli.main import cli
from coinsphere.market import implied_volatility
from coinsphere.market.reference import tokens
from ml.data import panel, past_beliefs
from tests.unit.ml import panels

DAYS = 680
IMPORTED = 400
"""Days before were imported in one go on this one."""
CLOSED, LEARNED = 520, 600
_DAY = timedelta(days=1)
_MART = """
    create view marts.ml_features_daily as
    select token_id, (opened_at at time zone 'UTC')::date as price_date, close, is_final, quality = 'suspect' as is_filled
    from market.price_data where interval = '1d';
    grant select on marts.ml_features_daily to coinsphere_pipeline
"""
_INSERT = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at, ingested_at)
    select id, '1d', %s, %s, %s, %s, %s, %s, 'kraken', true, now(), %s from market.tokens where symbol = %s
"""
_CORRECT = """
    update market.price_data set close = close * {factor}, high = high * greatest({factor}, 1), low = low * least({factor}, 1),
        ingested_at = %(at)s
    where token_id = %(token)s and interval = '1d' and opened_at = %(opened_at)s
"""
_JUDGE = """
    update market.price_data set quality = %(quality)s, ingested_at = %(at)s
    where token_id = %(token)s and interval = '1d' and opened_at = %(opened_at)s
"""


def opened(position: int) -> datetime:
    return datetime.combine(panels.FIRST, datetime.min.time(), UTC) + position * _DAY


def learned(position: int) -> datetime:
    """An hour before the close of a day: its close is the first that knows."""
    return opened(position) + timedelta(hours=23)


@pytest.fixture(scope="module")
def conn(module_database):
    with psycopg.connect(module_database.owner, autocommit=True) as made:
        made.execute(_MART)
        made.execute(
            "select market.ensure_price_partitions(%s, %s)",
            (panels.FIRST, panels.FIRST + (DAYS + 31) * _DAY),
        )
        for symbol, days in zip(("ADA", "BTC"), panels.rows(2, DAYS).values(), strict=True):
            rows = [
                (
                    opened(place),
                    *(f"{number:.12f}" for number in candle),
                    opened(max(place, IMPORTED) + 1) + timedelta(minutes=5),
                    symbol,
                )
                for place, candle in enumerate(days.values())
            ]
            with made.cursor() as cursor:
                cursor.executemany(_INSERT, rows)
        yield made


def change(conn, statement: str, position: int, at: datetime, **words) -> None:
    of = {"token": tokens.by_symbol(conn, "ADA").id, "opened_at": opened(position), "at": at}
    assert conn.execute(statement, of | words).rowcount == 1


def close(conn, position: int, at: int) -> float:
    """ADA's close of a day as it was believed at the close of another."""
    made = past_beliefs.joined(conn, panel.from_mart(conn))
    return float(made.believed_on(panels.FIRST + at * _DAY).closes[0, position])


def asked(monkeypatch, database, start: int, end: int, *more: str) -> Result:
    monkeypatch.setenv("COINSPHERE_PIPELINE_DATABASE_URL", database.pipeline)
    first, last = (panels.FIRST + place * _DAY for place in (start, end))
    words = f"ml backtest --start {first} --end {last} --tokens ada,BTC --model ewma_t --processes 1 --json"
    return CliRunner().invoke(cli, [*words.split(), *more])


def backtest(monkeypatch, database, start: int, end: int, *more: str) -> dict:
    result = asked(monkeypatch, database, start, end, *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_backtest_of_days_before_a_correction_stays_and_that_of_days_after_follows(
    conn, module_database, monkeypatch
):
    spans = ((CLOSED + 20, LEARNED), (LEARNED, LEARNED + 40))
    before = [backtest(monkeypatch, module_database, *span) for span in spans]
    change(conn, _CORRECT.format(factor=2), CLOSED, learned(LEARNED))
    after = [backtest(monkeypatch, module_database, *span) for span in spans]
    assert after[0]["byToken"] == before[0]["byToken"]
    assert after[1]["byToken"] != before[1]["byToken"]
    assert [each["correctedDays"] for each in (*before, *after)] == [0, 0, 1, 1]
    assert after[0]["dataDigest"] != before[0]["dataDigest"]


@pytest.mark.parametrize(
    ("position", "steps", "seen"),
    [
        # Corrected twice; between two closes once, which no day saw.
        (CLOSED + 1, [(2, 560), (3, 570)], {CLOSED + 1: 1, 559: 1, 560: 2, 569: 2, 570: 6}),
        (CLOSED + 2, [(2, 560), (3, 560)], {559: 1, 560: 6}),
        # Held from day 560 to 569, as it was and is.
        (CLOSED + 3, [("suspect", 560), ("confirmed", 570)], {559: 1, 560: np.nan, 570: 1}),
        # Imported, and corrected later: the first value stands, also before the import.
        (300, [(2, 560)], {300: 1, 559: 1, 560: 2}),
        # Imported and at once found wrong: nobody ever read it.
        (301, [("suspect", IMPORTED + 1)], {301: np.nan, IMPORTED: np.nan, 560: np.nan}),
        # Found wrong much later: those days that read it did.
        (302, [("suspect", 560)], {302: np.nan, IMPORTED + 1: 1, 559: 1, 560: np.nan}),
    ],
)
def test_what_was_believed(conn, position, steps, seen):
    first = close(conn, position, DAYS - 1)
    for place, (what, at) in enumerate(steps):
        moment = learned(at) + timedelta(minutes=place)
        if isinstance(what, str):
            change(conn, _JUDGE, position, moment, quality=what)
        else:
            change(conn, _CORRECT.format(factor=what), position, moment)
    believed = {at: close(conn, position, at) / first for at in seen}
    assert believed == pytest.approx(seen, nan_ok=True)


def test_a_panel_of_no_revision_is_its_own_past(conn):
    made = past_beliefs.joined(conn, panel.from_mart(conn, ["BTC"]))
    assert made.beliefs == ()
    assert made.believed_on(date(2019, 6, 1)) is made


def test_implied_volatility_of_the_database_is_read_as_it_was_first_told(
    conn, module_database, monkeypatch
):
    """A correction that came later changes no origin's figure; without any there is nothing to try."""
    span = (LEARNED, LEARNED + 40)
    refused = asked(monkeypatch, module_database, *span, "--implied")
    assert refused.exit_code == 1
    assert "market/implied_volatility" in refused.output
    told = {panels.FIRST + place * _DAY: 50.0 + place % 7 for place in range(DAYS)}
    implied_volatility.add(conn, "BTC", told, "deribit")
    before = backtest(monkeypatch, module_database, *span, "--implied")
    assert before["implied"]["1"]["days"] == 40
    corrected = {panels.FIRST + LEARNED * _DAY: 500.0}
    assert implied_volatility.add(conn, "BTC", told | corrected, "deribit") == 1
    assert (
        backtest(monkeypatch, module_database, *span, "--implied")["implied"] == before["implied"]
    )
