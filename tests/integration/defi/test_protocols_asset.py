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
LOGO = "https://icons.llama.fi/lido.png"
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
        "/protocols": f'[{{"slug": "lido", "tvl": {LIDO_TVL}, "logo": "{LOGO}"}}, '
        '{"slug": "eigenpie", "tvl": 5}]',
        "/pools": {"status": "success", "data": [POOL]},
    }
    settings = Settings(
        database_url=SecretStr(database.pipeline),
        defillama_url=llama.url,
        defillama_yields_url=llama.url,
        wallet_private_networks=True,
    )

    def materialize(now: datetime = NOW, tags: dict | None = None) -> dict | None:
        with Database(settings.dsn, size=2) as pool, dg.DagsterInstance.ephemeral() as instance:
            resources = {"settings": settings, "database": pool, "clock": lambda: now}
            done = dg.materialize(
                [assets.protocols], resources=resources, instance=instance,
                raise_on_error=False, tags=tags,
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
    assert run() == TOLD
    assert lido(owner) == (Decimal(LIDO_TVL), NOW)
    assert said(owner) == ("defillama", None, LOGO)
    assert said(owner, "aave-v3") == (None, "its source does not tell of it", None)
    rows = owner.execute(
        "select symbol, blockchain, apy, apy_reward from app.defi_yields"
    ).fetchall()
    assert rows == [("STETH", "ethereum", Decimal("2.235"), None)]
    told = owner.execute("select count(*) from app.defi_protocols where tvl is not null").fetchone()
    assert told == (1,)


TOLD = {
    "dagster/row_count": 1, "pools": 1, "source": "defillama", "problem": "none", "refused": "none",
}  # fmt: skip


def said(owner: psycopg.Connection, slug: str = "lido") -> tuple:
    row = owner.execute(
        "select source, untold, logo_url from app.defi_protocols where slug = %s", [slug]
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("failure", ["down", "nonsense"])
def test_where_nothing_is_told_each_protocol_says_why_and_a_first_run_goes_on(
    run, llama: DefiLlama, owner: psycopg.Connection, failure: str
) -> None:
    run()
    llama.status = 503 if failure == "down" else 200
    llama.answers = {"/protocols": "<html>", "/pools": "<html>"}
    why = "HTTP status 503" if failure == "down" else "not JSON"
    later = NOW + timedelta(days=1)
    # A retry of the nightly job waits ten seconds and more: what matters is that the run is red.
    if failure == "nonsense":
        assert run(later) is None
        assert why in said(owner)[1]
        owner.execute("update app.defi_protocols set untold = null")
    gone_on = run(later, {assets.GOES_ON: "true"})
    assert gone_on is not None
    assert why in gone_on["problem"]
    assert lido(owner) == (Decimal(LIDO_TVL), NOW)
    for slug in ("lido", "aave-v3"):
        assert why in said(owner, slug)[1]
    llama.status = 200
    llama.answers = {
        "/protocols": f'[{{"slug": "lido", "tvl": {LIDO_TVL}}}]',
        "/pools": {"data": []},
    }
    assert run(later) is not None
    assert said(owner) == ("defillama", None, LOGO)


@pytest.mark.parametrize("missing", ["/protocols", "/pools"])
def test_one_answer_that_does_not_come_takes_not_the_other_with_it(
    run, llama: DefiLlama, owner: psycopg.Connection, missing: str
) -> None:
    llama.answers[missing] = "<html>"
    assert run() is None
    assert (lido(owner)[0] is None) is (missing == "/protocols")
    pools = owner.execute("select count(*) from app.defi_yields").fetchone()
    assert pools == (int(missing == "/protocols"),)
    assert run(NOW, {assets.GOES_ON: "true"}) is not None


def test_a_row_that_makes_no_sense_takes_no_other_with_it(
    run, llama: DefiLlama, owner: psycopg.Connection
) -> None:
    values = [
        {"slug": "lido", "tvl": [1], "logo": "javascript:alert(1)"},
        5,
        {"slug": "aave-v3", "tvl": 7},
    ]
    llama.answers["/protocols"] = values
    other = {**POOL, "pool": "other", "tvlUsd": 5}
    llama.answers["/pools"] = {
        "data": [None, POOL, POOL, {**POOL, "apy": 3}, {**POOL, "tvlUsd": {}}, other]
    }
    metadata = run()
    assert metadata is not None
    assert (metadata["dagster/row_count"], metadata["pools"]) == (1, 2)
    assert "stands twice and differs" in metadata["refused"]
    assert said(owner)[0::2] == (None, None)
    assert "makes no sense" in said(owner)[1]
    assert said(owner, "aave-v3")[0] == "defillama"


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


def test_a_simulated_market_has_simulated_figures_that_say_so(
    run, llama: DefiLlama, owner: psycopg.Connection
) -> None:
    owner.execute("update market.origin set source = 'simulated', seed = 1")
    llama.status = 500
    first = run()
    assert first is not None
    assert (first["dagster/row_count"], first["source"]) == (10, "simulated")
    value = lido(owner)[0]
    assert Decimal(10) ** 10 < value < 5 * Decimal(10) ** 10
    sources = owner.execute("select source, count(*) from app.defi_protocols group by 1").fetchall()
    assert sources == [("simulated", 10)]
    yields = owner.execute("select count(distinct protocol_id) from app.defi_yields").fetchone()
    assert yields == (10,)
    run()
    assert lido(owner)[0] == value
    run(NOW + timedelta(days=1))
    assert value * Decimal("0.9") < lido(owner)[0] < value * Decimal("1.1")
    assert lido(owner)[0] != value


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
