"""A database with an origin, settings that reach it, and a small market of our own."""

import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

import orchestration
from coinsphere.db.pool import Database
from coinsphere.market.model import Candle, Interval, Metadata, Quote, Token
from coinsphere.settings import Settings, sqlalchemy_url

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
TEMPLATE = Path(orchestration.__file__).parent / "dagster.yaml"


@pytest.fixture(scope="module")
def free_tcp_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def now() -> datetime:
    """The instant at which these tests take place."""
    return NOW


@pytest.fixture
def settings(database, tmp_path: Path) -> Settings:
    """Settings of a process with the pipeline's role."""
    return Settings(home=tmp_path, database_url=SecretStr(database.pipeline), market_hourly_days=2)


@pytest.fixture
def pool(settings: Settings) -> Iterator[Database]:
    """An open pool with the pipeline's role."""
    with Database(settings.dsn, size=2) as opened:
        yield opened


@dataclass
class SmallMarket:
    """Prices that rise by one dollar a day or hour. `failing` maps a symbol to what asking for it raises."""

    name: str = "simulated"
    failing: dict[str, Exception] = field(default_factory=dict)
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> Iterable[Candle]:
        self.asked.append((token.symbol, start, end))
        if token.symbol in self.failing:
            raise self.failing[token.symbol]
        late = (start - datetime(2009, 1, 1, tzinfo=UTC)) % interval.duration
        opened_at = start + (interval.duration - late if late else timedelta(0))
        while opened_at < min(end, NOW):
            yield _candle(token, interval, opened_at)
            opened_at += interval.duration

    def quotes(self, tokens: Sequence[Token]) -> Sequence[Quote]:
        if "*" in self.failing:
            raise self.failing["*"]
        return [
            Quote(token.id, Decimal(100), Decimal(10**6), None, Decimal(1), self.name, NOW)
            for token in tokens
            if token.symbol not in self.failing
        ]

    def metadata(self, tokens: Sequence[Token]) -> Sequence[Metadata]:
        return [
            Metadata(
                token.id,
                None,
                rank,
                Decimal(10**6),
                None,
                None,
                None,
                None,
                None,
                None,
                self.name,
                NOW,
            )
            for rank, token in enumerate(tokens, 1)
        ]


def _candle(token: Token, interval: Interval, opened_at: datetime) -> Candle:
    close = Decimal(1000 + (opened_at - datetime(2026, 1, 1, tzinfo=UTC)).days)
    return Candle(
        token_id=token.id,
        interval=interval,
        opened_at=opened_at,
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=Decimal(5),
        source="simulated",
        is_final=opened_at + interval.duration <= NOW,
        observed_at=NOW,
    )


@pytest.fixture
def market(owner: psycopg.Connection) -> SmallMarket:
    """The market, in a database that knows its prices as simulated."""
    owner.execute("insert into market.origin (source, seed) values ('simulated', 1)")
    owner.execute("update market.tokens set is_active = symbol in ('BTC', 'ETH')")
    return SmallMarket()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def postgres_instance(postgres, tmp_path_factory):
    """An instance from the template, in the server's database for Dagster."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "DAGSTER_POSTGRES_URL", sqlalchemy_url(postgres.url("dagster", "dagster"), "psycopg2")
        )
        with dg.DagsterInstance.from_config(str(home)) as made:
            yield made
