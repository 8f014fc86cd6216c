"""Where prices come from is decided once, and never quietly changed."""

from pathlib import Path

import pytest

from coinsphere.errors import ConfigurationError
from coinsphere.market import origin, overview
from coinsphere.market.sources import factory
from coinsphere.settings import Settings

SETTINGS = Settings(market_seed=7)


def unasked(_: Settings) -> bool:
    raise AssertionError("nobody should ask whether live prices can be reached")


@pytest.mark.parametrize(
    ("setting", "reachable", "source"),
    [("auto", True, "live"), ("auto", False, "simulated"), ("simulated", None, "simulated")],
)
def test_the_first_decision_stays(pipeline, setting, reachable, source):
    probe = unasked if reachable is None else lambda _: reachable
    first = origin.decide(pipeline, setting, SETTINGS, probe=probe)
    assert first.source == source
    assert first.seed == (7 if source == "simulated" else None)
    assert origin.decide(pipeline, "auto", SETTINGS, probe=unasked) == first
    assert origin.decide(pipeline, source, SETTINGS, probe=unasked) == first


def test_a_folder_is_kept_as_an_absolute_path(pipeline, tmp_path: Path, monkeypatch):
    (tmp_path / "candles").mkdir()
    monkeypatch.chdir(tmp_path)
    taken = origin.decide(pipeline, "files:candles", SETTINGS, probe=unasked)
    assert taken.location == str(tmp_path / "candles")
    with factory.opened(SETTINGS, taken) as source:
        assert source.name == "files"


def test_a_folder_that_is_not_there_decides_nothing(pipeline, tmp_path: Path):
    with pytest.raises(ConfigurationError, match="there is no folder"):
        origin.decide(pipeline, f"files:{tmp_path}/none", SETTINGS, probe=unasked)
    assert origin.get(pipeline) is None


@pytest.mark.parametrize("setting", ["live", "files:prices", "simulated"])
def test_another_origin_is_refused_and_says_what_to_do(pipeline, setting):
    origin.decide(pipeline, "simulated", SETTINGS, probe=unasked)
    other = SETTINGS.model_copy(update={"market_seed": 8})
    with pytest.raises(ConfigurationError, match=r"seed 7.*make clean-state"):
        origin.decide(pipeline, setting, other, probe=unasked)


def test_simulated_prices_are_announced_loudly(pipeline, capsys):
    origin.decide(pipeline, "simulated", SETTINGS, probe=unasked)
    assert "PRICES ARE SIMULATED" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "refused"), [("simulated", "binance"), ("live", "simulated"), ("files", "simulated")]
)
def test_real_and_simulated_rows_never_meet(pipeline, owner, source, refused):
    with pytest.raises(ConfigurationError, match="not decided yet"):
        origin.refuse_mix(origin.get(pipeline), refused)
    owner.execute(
        "insert into market.origin (source, seed) values (%s, %s)",
        [source, 1 if source == "simulated" else None],
    )
    with pytest.raises(ConfigurationError, match="never share"):
        origin.refuse_mix(origin.get(pipeline), refused)


def test_the_overview_of_an_empty_market(pipeline):
    from datetime import UTC, datetime, timedelta

    now = datetime(2026, 3, 10, tzinfo=UTC)
    state = overview.quote_state(pipeline, now, timedelta(minutes=5))
    assert (state.quotes, state.newest, state.unquoted, state.quarantined) == (0, None, 31, 0)
    assert overview.holdings(pipeline) == []
    assert overview.failures(pipeline, now) == []
