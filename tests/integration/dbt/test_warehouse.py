"""The warehouse built by the real dbt: formulas against an independent implementation, late data, and who may read."""

import os
import subprocess
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import psycopg
import pytest

from coinsphere.settings import Settings
from orchestration.warehouse import project, risk

DAYS = 400
START = datetime(2023, 1, 1, tzinfo=UTC)
MISSING = {100, 101, 250}
SYMBOLS = ("BTC", "SHIB")

_INSERT = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select id, '1d', %(opened_at)s, %(open)s, %(high)s, %(low)s, %(close)s, %(volume)s, 'test', true, now()
    from market.tokens where symbol = %(symbol)s
"""
_MARTS = (
    "dim_tokens",
    "fct_prices_daily",
    "fct_token_stats",
    "fct_risk_scores",
    "ml_features_daily",
    "fct_activation",
    "fct_retention_weekly",
    "fct_feature_use_weekly",
)


def dbt(database, *args: str) -> None:
    """Run dbt as the pipeline's role; its own words are the failure."""
    settings = Settings.from_env({"COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline})
    done = subprocess.run(
        [project.executable(), "--quiet", *args],
        cwd=project.PROJECT,
        env={
            **os.environ,
            **project.environment(settings),
            "DBT_PROFILES_DIR": str(project.PROJECT),
        },
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def candle(symbol: str, closes: np.ndarray, day: int) -> dict[str, object]:
    first, last = closes[max(day - 1, 0)], closes[day]
    return {
        "symbol": symbol,
        "opened_at": START + timedelta(days=day),
        "open": f"{first:.18f}",
        "high": f"{max(first, last) * 1.01:.18f}",
        "low": f"{min(first, last) * 0.98:.18f}",
        "close": f"{last:.18f}",
        "volume": 1000 + day,
    }


@pytest.fixture(scope="module")
def closes() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    walk = np.exp(np.cumsum(rng.standard_t(4, (2, DAYS)) * 0.02, axis=1))
    return {"BTC": 30_000 * walk[0], "SHIB": 1e-5 * walk[1]}


@pytest.fixture(scope="module")
def warehouse(module_database, closes):
    with psycopg.connect(module_database.pipeline) as conn:
        conn.execute("select market.ensure_price_partitions('2023-01-01', '2024-03-01')")
        for symbol in SYMBOLS:
            for day in range(DAYS):
                if day not in MISSING:
                    conn.execute(_INSERT, candle(symbol, closes[symbol], day))
    dbt(module_database, "build")
    return module_database


def features(database, symbol: str) -> pd.DataFrame:
    with psycopg.connect(database.readonly) as conn:
        cursor = conn.execute(
            """
            select f.* from marts.ml_features_daily as f
            join market.tokens as t on t.id = f.token_id
            where t.symbol = %s order by price_date
            """,
            [symbol],
        )
        columns = [column.name for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=columns).set_index("price_date")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_indicators_equal_an_independent_implementation(warehouse, symbol: str) -> None:
    frame = features(warehouse, symbol)
    close = frame["close"].astype(float)
    returns = np.log(close).diff()
    change = close.diff()
    gain, loss = change.clip(lower=0), (-change).clip(lower=0)

    def average(values: pd.Series, alpha: float) -> pd.Series:
        return values.ewm(alpha=alpha, adjust=False, ignore_na=True).mean()

    strength = average(gain, 1 / 14) / average(loss, 1 / 14)
    macd = average(close, 2 / 13) - average(close, 2 / 27)
    middle, deviation = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    expected = {
        "log_return": returns,
        "rolling_volatility_7d": returns.rolling(7).std(),
        "rolling_volatility_30d": returns.rolling(30).std(),
        "ewma_volatility": np.sqrt(average(returns**2, 0.06)).where(returns.notna().cumsum() >= 30),
        "rsi_14": (100 - 100 / (1 + strength)).where(np.arange(len(close)) >= 14),
        "macd": macd.where(np.arange(len(close)) >= 25),
        "macd_signal": average(macd, 2 / 10).where(np.arange(len(close)) >= 33),
        "bollinger_upper": middle + 2 * deviation,
        "bollinger_middle": middle,
        "bollinger_lower": middle - 2 * deviation,
    }
    for name, series in expected.items():
        np.testing.assert_allclose(
            frame[name].astype(float), series, rtol=1e-7, atol=1e-9 * close.max(), err_msg=name
        )


def test_missing_days_are_filled_and_marked(warehouse) -> None:
    frame = features(warehouse, "BTC")
    assert len(frame) == DAYS
    filled = frame.index[frame["is_filled"]]
    assert list(filled) == [(START + timedelta(days=day)).date() for day in sorted(MISSING)]
    assert frame.loc[date(2023, 4, 11), "close"] == frame.loc[date(2023, 4, 10), "close"]
    assert frame.loc[date(2023, 4, 11), "volume"] is None


def test_a_late_and_a_corrected_candle_flow_in_and_equal_a_full_build(warehouse, closes) -> None:
    with psycopg.connect(warehouse.pipeline) as conn:
        conn.execute(_INSERT, candle("BTC", closes["BTC"], 100))
        conn.execute(
            """
            update market.price_data set close = low from market.tokens
            where tokens.id = token_id and symbol = 'SHIB' and opened_at = %s
            """,
            [START + timedelta(days=300)],
        )
    dbt(warehouse, "run")
    incremental = {name: table(warehouse, name) for name in _MARTS}
    dbt(warehouse, "run", "--full-refresh")
    assert incremental == {name: table(warehouse, name) for name in _MARTS}
    assert not features(warehouse, "BTC").loc[date(2023, 4, 11), "is_filled"]


def test_candles_that_were_removed_leave_what_was_built_of_them(warehouse, closes) -> None:
    """At the end of one token's history, and all that there were of another."""
    with psycopg.connect(warehouse.pipeline) as conn:
        for day in range(40):
            conn.execute(_INSERT, candle("DOGE", closes["SHIB"], day))
    dbt(warehouse, "run")
    assert len(features(warehouse, "DOGE")) == 40
    newest = features(warehouse, "SHIB").index.max()
    with psycopg.connect(warehouse.owner) as conn:
        removed = """
            delete from market.price_data using market.tokens
            where tokens.id = token_id and (symbol = 'DOGE' or symbol = 'SHIB' and opened_at >= %s)
        """
        assert conn.execute(removed, [newest]).rowcount == 41
    dbt(warehouse, "run")
    incremental = {name: table(warehouse, name) for name in _MARTS}
    assert features(warehouse, "DOGE").empty
    assert features(warehouse, "SHIB").index.max() < newest
    dbt(warehouse, "run", "--full-refresh")
    assert incremental == {name: table(warehouse, name) for name in _MARTS}


def table(database, name: str) -> list[tuple]:
    with psycopg.connect(database.api) as conn:
        return sorted(map(str, conn.execute(f"select * from marts.{name}").fetchall()))


def test_a_figure_out_of_its_range_warns_and_only_that_token_is_not_published(warehouse) -> None:
    shib = "token_id = (select id from market.tokens where symbol = 'SHIB')"
    with psycopg.connect(warehouse.pipeline, autocommit=True) as conn:
        conn.execute(f"update marts.fct_risk_scores set overall_score = 200 where {shib}")
        conn.execute(f"update marts.ml_features_daily set rsi_14 = 101 where {shib}")
        dbt(warehouse, "test", "--select", "fct_risk_scores", "ml_features_daily")
        published = risk.publish(conn, datetime.now(UTC))
        assert (published.written, published.total, published.refused) == (1, 1, ("SHIB",))
    dbt(warehouse, "run", "--full-refresh", "--select", "fct_risk_scores", "ml_features_daily")


def test_the_documentation_can_be_made(warehouse, tmp_path) -> None:
    import json

    dbt(warehouse, "docs", "generate", "--target-path", str(tmp_path))
    catalog = json.loads((tmp_path / "catalog.json").read_text())
    assert catalog["errors"] is None
    assert len(catalog["nodes"]) == 18
    assert (tmp_path / "index.html").is_file()


@pytest.mark.parametrize("role", ["api", "readonly"])
@pytest.mark.parametrize("mart", _MARTS)
def test_marts_are_readable_and_no_more(warehouse, role: str, mart: str) -> None:
    with psycopg.connect(getattr(warehouse, role), autocommit=True) as conn:
        assert conn.execute(f"select count(*) >= 0 from marts.{mart}").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"delete from marts.{mart}")


def test_every_model_and_column_is_described() -> None:
    import json

    manifest = json.loads(project.ensure_manifest().read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) == 18
    for model in models:
        assert model["description"], model["name"]
        assert model["columns"], model["name"]
        for column in model["columns"].values():
            assert column["description"], f"{model['name']}.{column['name']}"
