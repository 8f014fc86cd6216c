"""A symbol is not an identity: what a source knows by a symbol goes to the token that the symbol means."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from coinsphere.clock import DAY
from coinsphere.errors import NotListed
from coinsphere.market.model import Interval
from coinsphere.market.reference import tokens as token_store
from coinsphere.market.sources.files import FilesSource

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def both(owner, pipeline):
    """The seeded SOL, and a small token that calls itself so, too."""
    owner.execute(
        "insert into tokens (symbol, name, blockchain, coingecko_id, contract_address)"
        " values ('SOL', 'Sollet', 'Ethereum', 'sollet', '0x1f54638b7737193ffd86c19ec51907a7c41755d8')"
    )
    by_name = {token.name: token for token in token_store.active(pipeline)}
    return by_name["Solana"], by_name["Sollet"]


def test_the_largest_one_leads_its_symbol(both, owner, pipeline):
    solana, sollet = both
    assert (solana.leads_symbol, sollet.leads_symbol) == (True, False)
    assert token_store.get(pipeline, sollet.id) == sollet
    assert token_store.by_symbol(pipeline, "sol") == solana
    owner.execute(
        "insert into quotes (token_id, price, market_cap, source, observed_at) values (%s, 1, 5, 'x', now())",
        [sollet.id],
    )
    assert token_store.by_symbol(pipeline, "SOL").name == "Sollet"
    assert token_store.get(pipeline, solana.id).leads_symbol is False


def test_an_exchange_is_asked_for_the_one_that_it_means(both, live_market):
    market = live_market("coinbase")
    solana, sollet = both
    sources = {quote.asset: quote.venue for quote in market.venue_quotes([sollet, solana])}
    assert sources == {solana.id: "coinbase", sollet.id: "coingecko"}
    made = market.candles(sollet, Interval.DAY, NOW - 2 * DAY, NOW)
    assert {candle.source for candle in made} == {"coingecko"}


def test_a_file_belongs_to_the_one_that_its_name_means(both, tmp_path: Path):
    rows = "date,open,high,low,close\n2026-03-01,1,2,0.5,1\n2026-03-02,1,2,0.5,1.5\n"
    (tmp_path / "SOL.csv").write_text(rows)
    source = FilesSource(tmp_path, lambda: NOW)
    solana, sollet = both
    assert [quote.price for quote in source.quotes([solana, sollet])] == [Decimal("1.5")]
    with pytest.raises(NotListed):
        source.candles(sollet, Interval.DAY, NOW - DAY, NOW)


def test_an_unknown_symbol_or_id(pipeline, both):
    with pytest.raises(LookupError, match="no token has the symbol 'NOPE'"):
        token_store.by_symbol(pipeline, "NOPE")
    with pytest.raises(LookupError):
        token_store.get(pipeline, UUID(int=0))
