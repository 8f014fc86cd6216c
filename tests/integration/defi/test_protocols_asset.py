"""The asset of DeFi protocols against a local DefiLlama: what is believed is stored, the rest keeps its last value."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from orchestration.defi import assets
from tests.fakes.defillama import DefiLlama, served

NOW = datetime(2026, 11, 24, 0, 25, tzinfo=UTC)
LIDO_TVL = "23908962564.000000000000000001"
POOL = {
    "chain": "Ethereum", "project": "lido", "symbol": "STETH", "tvlUsd": 23908962564, "apyBase": 2.235,
    "apyReward": None, "apy": 2.235, "pool": "747c1d2a-c668-4682-b9f9-296708a3dd90",
}  # fmt: skip


@pytest.fixture(scope="module")
def llama() -> Iterator[DefiLlama]:
    with served() as server:
        yield server


@pytest.fixture
def run(database, llama: DefiLlama, owner: psycopg.Connection):
    """Materialises the asset at an instant; its metadata, None where it failed."""
    owner.execute("insert into market.origin (source) values ('live')")
    llama.status = 200
    llama.answers = {
        "/protocols": f'[{{"slug": "lido", "tvl": {LIDO_TVL}}}, {{"slug": "eigenpie", "tvl": 5}}]',
        "/pools": {"status": "success", "data": [POOL]},
    }
    settings = Settings(
        database_url=SecretStr(database.pipeline),
        defillama_url=llama.url,
        defillama_yields_url=llama.url,
        wallet_private_networks=True,
    )

    def materialize(now: datetime = NOW) -> dict | None:
        with Database(settings.dsn, size=2) as pool, dg.DagsterInstance.ephemeral() as instance:
            resources = {"settings": settings, "database": pool, "clock": lambda: now}
            done = dg.materialize(
                [assets.protocols], resources=resources, instance=instance,
                raise_on_error=False,
            )  # fmt: skip
        if not done.success:
            return None
        (event,) = done.asset_materializations_for_node("defi__protocols")
        return {name: each.value for name, each in event.metadata.items()}

    return materialize


def lido(owner: psycopg.Connection) -> tuple:
    row = owner.execute(
        "select tvl, tvl_observed_at from app.defi_protocols where slug = 'lido'"
    ).fetchone()
    assert row is not None
    return row


def test_values_and_yields_are_stored_with_every_digit(run, owner: psycopg.Connection) -> None:
    assert run() == {"dagster/row_count": 1, "pools": 1, "refused": "none"}
    assert lido(owner) == (Decimal(LIDO_TVL), NOW)
    rows = owner.execute(
        "select symbol, blockchain, apy, apy_reward from app.defi_yields"
    ).fetchall()
    assert rows == [("STETH", "ethereum", Decimal("2.235"), None)]
    told = owner.execute("select count(*) from app.defi_protocols where tvl is not null").fetchone()
    assert told == (1,)


@pytest.mark.parametrize(
    ("tvl", "taken"),
    [("-1", False), ("1e15", False), ('"5"', False), ("null", False), ("1", False),
     ("239089625650", False), ("200000000000", True)],
)  # fmt: skip
def test_what_makes_no_sense_or_jumps_is_refused_and_the_last_value_stays(
    run, llama: DefiLlama, owner: psycopg.Connection, tvl: str, taken: bool
) -> None:
    run()
    llama.answers["/protocols"] = f'[{{"slug": "lido", "tvl": {tvl}}}]'
    llama.answers["/pools"] = {"data": [{**POOL, "apy": 1e9}, {**POOL, "symbol": "a\u202eb"}]}
    metadata = run(NOW + timedelta(days=1))
    assert metadata is not None
    assert ("lido" in metadata["refused"]) is True
    assert (lido(owner)[1] == NOW) is not taken
    later = run(NOW + timedelta(days=8, minutes=1))
    assert later is not None
    jumps = tvl in ("1", "239089625650")
    assert (lido(owner)[1] > NOW + timedelta(days=8)) is (jumps or taken)


@pytest.mark.parametrize("answer", ["<html>", "{}", '{"data": 5}'])
def test_an_answer_without_sense_fails_at_once_and_keeps_everything(
    run, llama: DefiLlama, owner: psycopg.Connection, answer: str
) -> None:
    run()
    llama.answers["/protocols"] = answer
    assert run(NOW + timedelta(days=1)) is None
    assert lido(owner) == (Decimal(LIDO_TVL), NOW)


def test_a_simulated_market_has_no_real_figures_beside_it(run, owner: psycopg.Connection) -> None:
    owner.execute("update market.origin set source = 'simulated', seed = 1")
    assert run() == {"skipped": "the market is simulated"}
    assert lido(owner) == (None, None)


@pytest.mark.shared_data
def test_recorded_answers_are_read(
    run, llama: DefiLlama, owner: psycopg.Connection, shared_data: Path
) -> None:
    folder = shared_data / "payloads" / "defillama"
    llama.answers["/pools"] = json.loads(
        (folder / "yields_pools_lido_excerpt_2026-09.json").read_text()
    )
    listed = json.loads((folder / "protocols_eigenpie_excerpt.json").read_text())
    llama.answers["/protocols"] = [*listed, {**listed[0], "slug": "lido"}]
    metadata = run()
    assert metadata is not None
    assert (metadata["pools"], metadata["refused"]) == (1, "none")
    assert lido(owner)[0] == Decimal("552741078.9743935")
