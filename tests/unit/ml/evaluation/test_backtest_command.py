"""`coinsphere ml backtest` as a person runs it: progress meanwhile, and what it says of a redenomination."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from tests.fakes import deribit

DAYS = 620
CHANGED = 560


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tokens on random walks; one counts a thousandth from a day on."""
    made = tmp_path_factory.mktemp("candles")
    noise = np.random.default_rng(7).normal(0, 0.03, (2, DAYS))
    for symbol, steps, changed in (("ABC", noise[0], DAYS), ("SOL", noise[1], CHANGED)):
        lines, price = ["date,open,high,low,close,volume"], 100.0
        for place, step in enumerate(steps):
            price *= 0.001 if place == changed else 1.0
            close = price * float(np.exp(step))
            high, low = max(price, close) * 1.01, min(price, close) * 0.99
            day = date(2023, 1, 1) + timedelta(days=place)
            lines.append(f"{day},{price},{high},{low},{close},1000")
            price = close
        (made / f"{symbol}.csv").write_text("\n".join(lines) + "\n")
    return made


def test_a_redenomination_is_named_and_not_scored_and_progress_is_told(folder):
    words = "--start 2024-05-01 --end 2024-09-01 --model ewma_t --processes 1 --json"
    result = CliRunner().invoke(cli, ["ml", "backtest", "--data", str(folder), *words.split()])
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    last = date(2023, 1, 1) + timedelta(days=CHANGED - 1)
    assert made["tokens"] == ["ABC", "SOL", f"SOL until {last}"]
    assert "SOL: closed at" in made["leftOut"][0]
    assert "1:1000" in made["leftOut"][0]
    # The widest move of a walk of 3 % a day; a scored break would lift the mean of one day to 5 % and more.
    assert max(row["crps"] for row in made["table"] if row["horizon"] == 1) < 0.03
    assert "blocks of 180 days forecast: 1 of" in result.stderr


def test_implied_volatility_is_fetched_and_what_it_adds_is_printed(folder, tmp_path, monkeypatch):
    """From Deribit's answer to the figure by which it goes in; a currency that it has not stops nothing."""
    first = datetime(2023, 7, 1, tzinfo=UTC)
    moments = [int((first + timedelta(days=day)).timestamp() * 1000) for day in range(420)]
    file = tmp_path / "dvol.csv"
    with deribit.served() as server:
        monkeypatch.setenv("COINSPHERE_DERIBIT_URL", server.url)
        nothing = CliRunner().invoke(
            cli, ["ml", "implied", "--out", str(file), "--currency", "ABC"]
        )
        assert nothing.exit_code == 1
        assert not file.exists()
        server.candles["BTC"] = [
            [moment, 60, 61, 59, 55 + at % 9] for at, moment in enumerate(moments)
        ]
        fetched = CliRunner().invoke(cli, ["ml", "implied", "--out", str(file)])
    assert fetched.exit_code == 0, fetched.output
    assert "420 closes of BTC" in fetched.stdout
    assert "ETH" in fetched.stderr
    words = "--start 2024-05-01 --end 2024-07-01 --model ewma_t --processes 1 --implied"
    command = ["ml", "backtest", "--data", str(folder), *words.split(), str(file)]
    found = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)
    models = {row["model"] for row in found["table"]}
    assert {"pooled_linear_implied", "pooled_linear", "ewma_t"} <= models
    assert found["implied"]["7"]["days"] > 30
    shown = CliRunner().invoke(cli, command)
    assert "What implied volatility adds" in shown.stdout
