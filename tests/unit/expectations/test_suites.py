"""Every rule of every suite holds for good rows and is broken by the fault that it names."""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations import runner
from expectations.frames import candles as candle_frame
from expectations.frames import hourly as hourly_frame
from expectations.suites import candles, features, hourly, predictions, quotes
from expectations.suites.rules import Severity

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS = 120
ALL = {
    "candles": candles.SUITE,
    "hourly": hourly.SUITE,
    "quotes": quotes.SUITE,
    "features": features.SUITE,
    "predictions": predictions.SUITE,
}


def told(close) -> dict[str, object]:
    """Two other venues or more at each close, 10 bp away, whose usual distance that is."""
    return {"told_close": close * 1.001, "told_venues": 3, "told_noise": 10.0, "usual_move": 5.0}


def raw_candles() -> pd.DataFrame:
    """Two tokens and a stablecoin, 120 days each, the last one unfinished."""
    rng = np.random.default_rng(3)
    tokens = []
    for symbol, peg in (("AAA", np.nan), ("BBB", np.nan), ("USDX", 1.0)):
        spread = 0.001 if peg == 1.0 else 0.03
        close = (
            np.exp(np.cumsum(rng.normal(0, spread, DAYS)))
            if peg != 1.0
            else 1 + rng.normal(0, spread, DAYS)
        )
        opened = np.concatenate([[close[0]], close[:-1]])
        tokens.append(
            pd.DataFrame(
                {
                    "token_id": symbol,
                    "symbol": symbol,
                    "peg_usd": peg,
                    "day": pd.date_range(end="2026-03-10", periods=DAYS, tz="UTC"),
                    "open": opened,
                    "high": np.maximum(opened, close) * 1.01,
                    "low": np.minimum(opened, close) * 0.99,
                    "close": close,
                    "volume": 10.0,
                    "source": "test",
                    "is_final": [True] * (DAYS - 1) + [False],
                    "second_close": close,
                    **told(close),
                }
            )
        )
    return pd.concat(tokens, ignore_index=True)


def broken_by(rows: pd.DataFrame, suite: str, labels=("symbol",)) -> dict[str, runner.Finding]:
    found = runner.validate(rows, ALL[suite], list(labels))
    assert [finding.rule for finding in found] == list(ALL[suite])
    return {finding.rule.name: finding for finding in found if not finding.passed}


def in_row(column, value, row=100):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value(frame.loc[row, column]) if callable(value) else value
        return frame

    return change


def scaled(factor, row=100, columns=("open", "high", "low", "close", "second_close", "told_close")):
    """The prices of one day of the first token, with candles that stay in order."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, list(columns)] *= factor
        return frame

    return change


def without(row):
    return lambda frame: frame.drop(index=row)


def doubted_by_the_venues(frame: pd.DataFrame) -> pd.DataFrame:
    """Prices that the other venues do not know: 1 % away, where they are 0.1 % apart."""
    frame.loc[100, "told_close"] *= 0.99
    return frame


def everything_after(factor):
    """A move that stays: all of the first token from day 100 on."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        columns = ["open", "high", "low", "close", "second_close", "told_close"]
        frame.loc[100 : DAYS - 1, columns] *= factor
        return frame

    return change


def crash(factor):
    """A move that stays and was traded: the day opens where the last one closed."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        opened = frame.loc[100, "open"]
        frame = everything_after(factor)(frame)
        frame.loc[100, ["open", "high"]] = [opened, opened * 1.01]
        return frame

    return change


CANDLE_FAULTS = [
    ("every_price_is_known", in_row("high", np.nan), {"every_price_is_known"}),
    ("prices_are_positive", in_row("low", 0.0), {"prices_are_positive"}),
    ("open_and_close_lie_within_low_and_high", in_row("high", lambda high: high * 0.9), None),
    ("volumes_are_not_negative", in_row("volume", -1.0), None),
    ("no_candle_is_of_the_future", in_row("is_final", value=True, row=DAYS - 1), None),
    ("simulated_and_real_prices_are_not_mixed", in_row("source", "simulated"), None),
    (
        "no_close_is_ten_times_the_last",
        everything_after(11),
        {"no_close_is_ten_times_the_last", "jumps_are_bounded_by_volatility"},
    ),
    (
        "no_price_moved_tenfold",
        crash(0.04),
        {"no_price_moved_tenfold", "jumps_are_bounded_by_volatility"},
    ),
    ("jumps_are_bounded_by_volatility", everything_after(3), None),
    ("no_close_springs_back", scaled(2.0), None),
    ("close_agrees_with_a_second_source", in_row("second_close", lambda close: close * 1.02), None),
    (
        "close_is_not_of_another_market",
        in_row("second_close", lambda close: close * 1.3),
        {"close_is_not_of_another_market", "close_agrees_with_a_second_source"},
    ),
    ("close_agrees_with_the_other_venues", doubted_by_the_venues, None),
    ("no_day_is_missing", without(50), None),
    ("no_token_has_stopped", lambda frame: frame.drop(index=range(DAYS - 3, DAYS)), None),
    ("no_old_candle_is_unfinished", in_row("is_final", value=False), None),
    ("stablecoins_are_near_their_peg", scaled(0.85, row=300), None),
    (
        "no_candles_are_duplicated",
        lambda frame: pd.concat([frame, frame.loc[[100]]]).sort_index(),
        None,
    ),
    ("there_are_candles", lambda frame: frame.iloc[:0], None),
    ("candles_have_their_columns", None, None),
]


def test_good_candles_break_no_rule():
    assert broken_by(candle_frame.with_measures(raw_candles(), NOW), "candles") == {}


@pytest.mark.parametrize(
    ("name", "fault", "broken"), CANDLE_FAULTS, ids=[case[0] for case in CANDLE_FAULTS]
)
def test_a_fault_in_candles_breaks_its_rule_and_no_other(name, fault, broken):
    rows = raw_candles()
    if fault is None:
        rows = candle_frame.with_measures(rows, NOW).drop(columns="high")
    else:
        rows = candle_frame.with_measures(fault(rows), NOW)

    found = broken_by(rows, "candles")

    assert set(found) == (broken or {name})


def test_every_candle_rule_has_its_fault():
    assert {rule.name for rule in candles.SUITE} == {name for name, *_ in CANDLE_FAULTS}


def raw_hours() -> pd.DataFrame:
    """The same rows, an hour apart, up to the hour of `NOW`."""
    frame = raw_candles().rename(columns={"day": "opened_at"}).drop(columns="second_close")
    hours = pd.date_range(end=NOW, periods=DAYS, freq="h")
    return frame.assign(opened_at=np.tile(hours.to_numpy(), 3)).assign(
        opened_at=lambda rows: pd.to_datetime(rows["opened_at"], utc=True)
    )


HOURLY_FAULTS = {
    "every_hourly_price_is_known": in_row("high", np.nan),
    "hourly_prices_are_positive": in_row("low", 0.0),
    "hourly_open_and_close_lie_within_low_and_high": in_row("high", lambda high: high * 0.9),
    "hourly_volumes_are_not_negative": in_row("volume", -1.0),
    "no_hourly_candle_is_of_the_future": in_row("is_final", value=True, row=DAYS - 1),
    "simulated_and_real_hours_are_not_mixed": in_row("source", "simulated"),
    "no_close_is_ten_times_the_last": lambda frame: scaled(1000)(frame.assign(second_close=1.0)),
    "no_hour_moved_tenfold": lambda frame: crash(0.04)(frame.assign(second_close=1.0)),
    "hourly_close_agrees_with_the_other_venues": doubted_by_the_venues,
    "no_hour_is_missing": without(50),
    "no_token_has_stopped_by_the_hour": lambda frame: frame.drop(index=range(DAYS - 4, DAYS)),
    "no_old_hour_is_unfinished": in_row("is_final", value=False),
    "stablecoins_are_near_their_peg": lambda frame: scaled(0.85, row=300)(
        frame.assign(second_close=1.0)
    ),
    "no_hourly_candles_are_duplicated": lambda frame: pd.concat(
        [frame, frame.loc[[100]]]
    ).sort_index(),
    "there_are_hourly_candles": lambda frame: frame.iloc[:0],
    "hourly_candles_have_their_columns": None,
}


def test_good_hours_break_no_rule_and_every_rule_has_its_fault():
    assert broken_by(hourly_frame.with_measures(raw_hours(), NOW), "hourly") == {}
    assert {rule.name for rule in hourly.SUITE} == set(HOURLY_FAULTS)


@pytest.mark.parametrize("name", list(HOURLY_FAULTS))
def test_a_fault_in_an_hour_breaks_its_rule_and_no_other(name):
    fault = HOURLY_FAULTS[name]
    rows = hourly_frame.with_measures(fault(raw_hours()) if fault else raw_hours(), NOW)
    if fault is None:
        rows = rows.drop(columns="high")
    assert set(broken_by(rows, "hourly")) == {name}


def test_what_a_person_vouches_for_is_still_found_in_hours_and_believed_beside_its_neighbours():
    rows = scaled(1000)(raw_hours().assign(second_close=1.0, vouched=False))
    rows.loc[101, ["open", "high", "low", "close"]] *= 1000
    rows.loc[100, "vouched"] = True

    measured = hourly_frame.with_measures(rows, NOW)

    assert measured.index[measured["stray"] == 1].tolist() == [100]


def test_the_way_back_from_a_stray_day_is_no_move_that_is_confirmed():
    rows = candle_frame.with_measures(scaled(1000)(raw_candles()), NOW)

    assert rows.index[rows["stray"] == 1].tolist() == [100]
    assert rows["confirmed_move"].abs().max() < 1


def test_a_fault_is_shown_with_its_token_day_and_value():
    rows = candle_frame.with_measures(in_row("volume", -7.5)(raw_candles()), NOW)

    (found,) = broken_by(rows, "candles", ("symbol", "day")).values()

    assert found.unexpected == 1
    assert found.examples == ({"symbol": "AAA", "day": "2026-02-19", "volume": "-7.5"},)
    assert found.rows == (100,)
    assert not found.blocks


def test_a_move_across_a_gap_is_no_jump():
    rows = everything_after(3)(raw_candles()).drop(index=99)

    assert set(broken_by(candle_frame.with_measures(rows, NOW), "candles")) == {"no_day_is_missing"}


def good_quotes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "token_id": ["a", "b"],
            "symbol": ["AAA", "USDX"],
            "price": [100.0, 1.0],
            "observed_at": pd.Timestamp(NOW),
            "least_amount": [5.0, np.nan],
            "seconds_ahead": -10.0,
            "staleness": 0.1,
            "is_foreign": 0.0,
            "jump": [1.0, np.nan],
            "peg_gap": [np.nan, 0.01],
        }
    )


def good_features() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "token_id": "a",
            "symbol": "AAA",
            "day": pd.date_range("2026-01-01", periods=3),
            "close": 1.0,
            "log_return": 0.01,
            "unconfirmed_return": 0.01,
            "stillness": [np.nan, np.nan, 1.0],
            "rsi_14": 50.0,
            "rolling_volatility_30d": 0.02,
            "close_missing": 0,
            "days_ahead": -1.0,
            "days_missing_before": 0.0,
            "indicators_missing": [np.nan, 0.0, 0.0],
            "out_of_range": 0,
            "filled_share": [np.nan, np.nan, 0.05],
            "days_unchanged": 6.0,
            "days_short": [np.nan, np.nan, 0.0],
        }
    )


def good_predictions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "token_id": "a",
            "symbol": "AAA",
            "origin_at": pd.Timestamp("2026-03-10", tz="UTC"),
            "horizon_days": [1, 7, 14, 30],
            "model_name": "m",
            "model_version": 1,
            "median": 100.0,
            "lower80": 90.0,
            "upper80": 110.0,
            "lower95": 80.0,
            "upper95": 120.0,
            "quantile_margin": 10.0,
            "half_width": 0.2,
            "days_ahead": -0.5,
            "horizons_missing": 0,
            "median_deviations": 0.1,
            "width_deviations": 2.0,
            "days_behind": 0.0,
            "is_foreign": 0.0,
        }
    )


GOOD = {"quotes": good_quotes, "features": good_features, "predictions": good_predictions}
DUPLICATE = "duplicate"
NONE = "none"
FAULTS = {
    "quotes": {
        "quotes_have_their_columns": "observed_at",
        "there_are_quotes": NONE,
        "no_quotes_are_duplicated": DUPLICATE,
        "every_token_has_a_quote": ("price", np.nan),
        "prices_are_positive": ("price", 0.0),
        "amounts_are_not_negative": ("least_amount", -1.0),
        "no_quote_is_of_the_future": ("seconds_ahead", 61.0),
        "simulated_and_real_prices_are_not_mixed": ("is_foreign", 1.0),
        "quotes_are_fresh": ("staleness", 1.01),
        "jumps_are_bounded_by_volatility": ("jump", 25.1),
        "stablecoins_are_near_their_peg": ("peg_gap", 0.11),
    },
    "features": {
        "features_have_their_columns": "rsi_14",
        "there_are_features": NONE,
        "no_features_are_duplicated": DUPLICATE,
        "every_close_is_known": ("close_missing", 1),
        "no_feature_is_of_the_future": ("days_ahead", 0.5),
        "the_calendar_has_no_gap": ("days_missing_before", 1.0),
        "returns_are_bounded": ("unconfirmed_return", -2.4),
        "indicators_are_known_after_their_warm_up": ("indicators_missing", 1.0),
        "indicators_lie_in_their_ranges": ("out_of_range", 1),
        "few_days_are_filled": ("filled_share", 0.06),
        "no_price_stands_still": ("days_unchanged", 7.0),
        "prices_still_move": ("stillness", 1.1),
        "trained_tokens_have_history": ("days_short", 1.0),
    },
    "predictions": {
        "predictions_have_their_columns": "upper80",
        "there_are_predictions": NONE,
        "no_predictions_are_duplicated": DUPLICATE,
        "prices_are_positive": ("lower95", 0.0),
        "quantiles_ascend": ("quantile_margin", -0.1),
        "intervals_have_width": ("half_width", 0.0),
        "no_hindsight": ("days_ahead", 0.1),
        "every_horizon_is_forecast": ("horizons_missing", 1),
        "medians_are_plausible": ("median_deviations", 10.1),
        "intervals_are_plausible": ("width_deviations", 0.1),
        "newest_forecasts_start_from_the_newest_close": ("days_behind", 2.0),
        "simulated_and_real_prices_are_not_mixed": ("is_foreign", 1.0),
    },
}
CASES = [(suite, name, fault) for suite, faults in FAULTS.items() for name, fault in faults.items()]


@pytest.mark.parametrize("suite", list(GOOD))
def test_good_rows_break_no_rule_and_every_rule_has_its_fault(suite):
    assert broken_by(GOOD[suite](), suite) == {}
    assert set(FAULTS[suite]) == {rule.name for rule in ALL[suite]}


@pytest.mark.parametrize(
    ("suite", "name", "fault"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES]
)
def test_a_fault_breaks_its_rule_and_no_other(suite, name, fault):
    rows = GOOD[suite]()
    if fault == DUPLICATE:
        rows = pd.concat([rows, rows.iloc[[0]]], ignore_index=True)
    elif fault == NONE:
        rows = rows.iloc[:0]
    elif isinstance(fault, str):
        rows = rows.drop(columns=fault)
    else:
        rows[fault[0]] = rows[fault[0]].astype(object if isinstance(fault[1], bool) else float)
        rows.loc[rows.index[-1], fault[0]] = fault[1]

    assert set(broken_by(rows, suite)) == {name}


@pytest.mark.parametrize("suite", list(ALL))
def test_names_are_identifiers_and_texts_are_sentences(suite):
    names = [rule.name for rule in ALL[suite]]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name == name.lower() for name in names)
    assert all(rule.description.endswith(".") for rule in ALL[suite])
    assert {rule.severity for rule in ALL[suite]} == set(Severity)


def test_names_are_known_without_anything_heavy():
    script = (
        "import sys\nfrom expectations.suites import candles\ncandles.SUITE\n"
        "print(sorted({'great_expectations', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
