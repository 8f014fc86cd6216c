"""Real candle files: the clean ones break no rule, and each known fault of the others breaks the rule that names it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations import runner
from expectations.frames import candles as frame
from expectations.suites import candles

pytestmark = pytest.mark.shared_data

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEGGED = ("USDC", "USDT")
_PRICES = ["open", "high", "low", "close", "volume"]


def read_candles(path: Path, second: Path | None = None) -> pd.DataFrame:
    """The candles of a file; those of another, where given, are the second reading."""
    symbol = path.stem.split("__")[0]
    rows = pd.read_csv(path, parse_dates=["date"], dtype=dict.fromkeys(_PRICES, float))
    other = (
        None
        if second is None
        else pd.read_csv(second, parse_dates=["date"]).set_index("date")["close"]
    )
    rows = rows.assign(
        token_id=symbol,
        symbol=symbol,
        day=rows["date"].dt.tz_localize("UTC"),
        peg_usd=1.0 if symbol in PEGGED else np.nan,
        source="files",
        is_final=True,
        second_close=np.nan if other is None else rows["date"].map(other),
    )
    return frame.with_measures(rows, NOW)


def broken_by(rows: pd.DataFrame) -> dict[str, runner.Finding]:
    found = runner.validate(rows, candles.SUITE, ["symbol", "day"])
    return {finding.rule.name: finding for finding in found if not finding.passed}


def test_clean_files_break_no_rule(shared_data: Path):
    files = sorted((shared_data / "daily").glob("*.csv"))

    broken = {path.stem: sorted(broken_by(read_candles(path))) for path in files}

    assert len(files) == 26
    assert {symbol: names for symbol, names in broken.items() if names} == {}


def _faulty(shared_data: Path, name: str, day: str | None = None) -> dict[str, runner.Finding]:
    """What the file breaks, on one day alone if asked."""
    symbol = name.split("__", maxsplit=1)[0]
    rows = read_candles(
        shared_data / "daily_alt" / f"{name}.csv", shared_data / "daily" / f"{symbol}.csv"
    )
    return broken_by(rows if day is None else rows[rows["day"] == day])


def test_bitcoin_at_a_failing_exchange_springs_back(shared_data: Path):
    """February 2014: the index still weighed an exchange whose price fell by four fifths, and dropped it again."""
    alone = broken_by(read_candles(shared_data / "daily_alt" / "BTC__cryptocompare_quanhua92.csv"))

    assert [row["day"] for row in alone["no_close_springs_back"].examples] == ["2014-02-20"]
    for day in ("2014-02-17", "2014-02-20", "2014-02-21", "2014-02-25"):
        found = _faulty(shared_data, "BTC__cryptocompare_quanhua92", day)
        assert found["close_is_not_of_another_market"].is_of_rows


def test_the_missing_days_of_bitcoin_are_missed(shared_data: Path):
    found = _faulty(shared_data, "BTC__cryptocompare_quanhua92")["no_day_is_missing"]

    assert found.examples == ({"symbol": "BTC", "day": "2011-06-26", "days_missing_before": "6"},)


def test_the_zero_prices_of_shiba_inu_block(shared_data: Path):
    found = _faulty(shared_data, "SHIB__yahoo_spliced")["prices_are_positive"]

    assert found.is_of_rows
    assert found.unexpected == 218


def test_the_missing_days_of_avalanche_are_missed(shared_data: Path):
    found = _faulty(shared_data, "AVAX__yahoo_spliced")["no_day_is_missing"]

    assert [row["days_missing_before"] for row in found.examples] == ["69"]


def test_solana_on_a_perpetual_is_not_spot(shared_data: Path):
    day = "2022-11-09"
    whole = broken_by(read_candles(shared_data / "daily_alt" / "SOL__bybit_linear_jumpotsa.csv"))

    assert _faulty(shared_data, "SOL__bybit_linear_jumpotsa", day)[
        "close_is_not_of_another_market"
    ].is_of_rows
    assert [row["day"] for row in whole["no_close_springs_back"].examples] == [day]


@pytest.mark.parametrize("symbol", ["ADA", "AVAX", "BTC", "DOGE", "ETH", "SHIB"])
def test_wrong_closes_of_one_day_disagree_with_a_second_source(shared_data: Path, symbol: str):
    found = _faulty(shared_data, f"{symbol}__yahoo_spliced", "2021-11-25")

    assert list(found) == ["close_agrees_with_a_second_source"]
