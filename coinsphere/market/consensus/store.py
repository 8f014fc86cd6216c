"""Computes each minute's consensus and stores it with its constituents in `market.consensus`; new prices become quotes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from coinsphere.market import origin as origins
from coinsphere.market.consensus import record, rule, statistics, venues, votes
from coinsphere.market.consensus.model import (
    METHOD,
    Asset,
    Consensus,
    Constituent,
    Rules,
    State,
    VenueQuote,
)
from coinsphere.market.model import Loaded, Quote, Token
from coinsphere.market.quality import quarantine
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quotes import store as quote_store

SOURCE = "consensus"
"""How a quote that venues agreed on names its source; a simulated one keeps that name."""
_QUARANTINED_FROM = Decimal(300)
"""Basis points from the consensus past which a venue's price is kept for a person to look at."""
_RATE_AGE = timedelta(days=7)
_CENT = Decimal("0.01")

_COLUMNS = """
    token_id, currency, valid_at, recorded_at, price, confidence, agreed_at, state, venues, jump, candidate, usual_move,
    method, constituents
"""
_LATEST = f"""
    select c.* from market.tokens t
    cross join lateral (
        select {_COLUMNS} from market.consensus
        where token_id = t.id and valid_at < %(now)s order by valid_at desc, id desc limit 1
    ) c
    where t.id = any(%(token_ids)s)
    union all
    select c.* from unnest(%(currencies)s::text[]) as k (code)
    cross join lateral (
        select {_COLUMNS} from market.consensus
        where currency = k.code and valid_at < %(now)s order by valid_at desc, id desc limit 1
    ) c
"""  # noqa: S608 - constants alone
_RATES = """
    select distinct on (r.currency) 'EUR' as code, r.per_euro
    from market.exchange_rates r
    where r.currency = 'USD' and r.day between %(since)s and %(today)s
    order by r.currency, r.day desc
"""
_INSERT = """
    insert into market.consensus
        (token_id, currency, valid_at, price, confidence, agreed_at, state, venues, jump, candidate, usual_move, method,
         constituents)
    values
        (%(token_id)s, %(currency)s, %(valid_at)s, %(price)s, %(confidence)s, %(agreed_at)s, %(state)s, %(venues)s,
         %(jump)s, %(candidate)s, %(usual_move)s, %(method)s, %(constituents)s)
"""


@dataclass(frozen=True, slots=True)
class ConsensusUpdate:
    """The counts of what was stored; `doubts` has the reason of each token that was quoted and has no new price."""

    loaded: Loaded
    doubts: list[str]
    agreed: dict[Asset, Consensus]


def settle(  # noqa: PLR0917 - what was said, of what, and when
    conn: Connection,
    source: str,
    tokens: Sequence[Token],
    quotes: Sequence[VenueQuote],
    now: datetime,
    rules: Rules,
) -> "ConsensusUpdate":
    """Compute and store the consensus at `now`; a token's quote is updated where its price is new.

    Raises:
        ConfigurationError: the rows may not share a database with what is there, see `origin.refuse_mix`.
    """
    name = source if source == origins.SIMULATED else SOURCE
    origins.refuse_mix(origins.get(conn), name)
    codes = venues.currencies(tokens)
    before = _latest(conn, [token.id for token in tokens], codes, now)
    agreed = rule.agree_on_all(quotes, before, codes, _known_rates(conn, now), now, rules)
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(_INSERT, [_row(each) for each in agreed.values()])
        refused = _refused(agreed.values(), before)
        quarantine.store(conn, refused)
        new = [_quote(each, name) for each in agreed.values() if each.is_new]
        loaded = quote_store.store(
            conn, [quote for quote in new if quote is not None], now, are_agreed=True
        )
    counted = Loaded(len(quotes), loaded.written, loaded.quarantined + len(refused))
    return ConsensusUpdate(
        counted,
        [
            _doubt(token.symbol, agreed[token.id])
            for token in tokens
            if _is_doubted(agreed.get(token.id))
        ],
        agreed,
    )


def refresh(  # noqa: PLR0917 - as `settle`
    conn: Connection,
    currencies: Mapping[str, Asset],
    quotes: Sequence[VenueQuote],
    before: Mapping[Asset, Consensus],
    now: datetime,
    rules: Rules,
) -> Loaded:
    """Update quotes between two minutes from venues' news; the minutes' own rows stay as they are.

    Args:
        conn: a connection of a database that holds real prices.
        currencies: the asset behind each quote currency.
        quotes: of the tokens that have news, and of those currencies.
        before: the last minute's consensus of each.
        now: the instant.
        rules: the numbers.

    Raises:
        ConfigurationError: see `settle`.
    """
    agreed = rule.agree_on_all(quotes, before, currencies, _known_rates(conn, now), now, rules)
    new = [_quote(each, SOURCE) for each in agreed.values() if each.is_new]
    new_quotes = [quote for quote in new if quote is not None]
    return quote_store.store(conn, new_quotes, now, are_agreed=True)


def forget(conn: Connection, now: datetime, kept: timedelta) -> int:
    """Delete minutes older than `kept`, except the first of each hour. Returns how many."""
    (count,) = conn.execute(
        "select market.forget_consensus(%(before)s)", {"before": now - kept}
    ).fetchone() or (0,)
    return int(count)


def _latest(
    conn: Connection, token_ids: Sequence[UUID], codes: Mapping[str, Asset], now: datetime
) -> dict[Asset, Consensus]:
    parameters = {
        "token_ids": list(token_ids),
        "currencies": [asset for asset in codes.values() if isinstance(asset, str)],
        "now": now,
    }
    rows = conn.cursor(row_factory=dict_row).execute(_LATEST, parameters)
    consensuses = (consensus(row) for row in rows)
    return {each.asset: each for each in consensuses}


def consensus(row: Mapping[str, Any]) -> Consensus:
    """The consensus in a row of `market.consensus`."""
    asset: Asset = row["token_id"] or row["currency"]
    return Consensus(
        asset=asset,
        valid_at=row["valid_at"],
        state=State(row["state"]),
        venues=row["venues"],
        price=row["price"],
        confidence=row["confidence"],
        agreed_at=row["agreed_at"],
        jump=row["jump"],
        candidate=row["candidate"],
        usual_move=row["usual_move"],
        constituents=tuple(record.read(asset, part) for part in row["constituents"]),
    )


def _known_rates(conn: Connection, now: datetime) -> dict[str, Decimal]:
    """The central bank's dollar for a euro: for when no venue trades the two."""
    today = now.date()
    return dict(conn.execute(_RATES, {"today": today, "since": today - _RATE_AGE}).fetchall())


def _row(consensus: Consensus) -> dict[str, object]:
    return {
        "token_id": consensus.asset if isinstance(consensus.asset, UUID) else None,
        "currency": consensus.asset if isinstance(consensus.asset, str) else None,
        "valid_at": consensus.valid_at,
        "price": consensus.price,
        "confidence": consensus.confidence,
        "agreed_at": consensus.agreed_at,
        "state": consensus.state,
        "venues": consensus.venues,
        "jump": consensus.jump,
        "candidate": consensus.candidate,
        "usual_move": consensus.usual_move,
        "method": METHOD,
        "constituents": Jsonb([record.written(part) for part in consensus.constituents]),
    }


def _quote(consensus: Consensus, source: str) -> Quote | None:
    """The quote of a token; None of a currency, which has none."""
    if not isinstance(consensus.asset, UUID) or consensus.price is None:
        return None
    voting = [part for part in consensus.constituents if part.left_out is None]
    return Quote(
        token_id=consensus.asset,
        price=consensus.price,
        volume_24h=_total(
            [part.volume for part in consensus.constituents if part.price is not None]
        ),
        market_cap=_median([part.quote.market_cap for part in voting]),
        change_24h=_median([part.quote.change_24h for part in voting]),
        source=source,
        observed_at=consensus.valid_at,
    )


def _total(volumes: Sequence[Decimal | None]) -> Decimal | None:
    known = [volume for volume in volumes if volume is not None]
    return sum(known, Decimal(0)).quantize(_CENT) if known else None


def _median(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None and value.is_finite()]
    return statistics.median(known) if known else None


def _is_doubted(consensus: Consensus | None) -> bool:
    return consensus is not None and not consensus.is_new and bool(consensus.constituents)


def _doubt(symbol: str, consensus: Consensus) -> str:
    if consensus.jump == "waiting":
        return f"{symbol}: a jump to {consensus.candidate:f} waits for its confirmation"
    reasons = {part.left_out: part.quote.venue for part in consensus.constituents if part.left_out}
    return f"{symbol}: " + ", ".join(f"{venue}: {reason}" for reason, venue in reasons.items())


def _refused(agreed: Iterable[Consensus], before: Mapping[Asset, Consensus]) -> list[Rejected]:
    """Prices that make no sense or are far off, each venue's once for as long as it stays so."""
    return [
        _rejected(consensus.asset, part)
        for consensus in agreed
        if isinstance(consensus.asset, UUID)
        for part in consensus.constituents
        if _is_wrong(part) and not _was_wrong(before.get(consensus.asset), part)
    ]


def _is_wrong(part: Constituent) -> bool:
    is_far = part.is_outvoted and (part.apart or 0) > _QUARANTINED_FROM
    return is_far or part.left_out in {votes.NO_PRICE, votes.AHEAD}


def _was_wrong(before: Consensus | None, part: Constituent) -> bool:
    if before is None:
        return False
    known = before.constituent(part.quote.venue, part.quote.currency)
    return known is not None and (known.is_barred or _is_wrong(known))


def _rejected(token_id: UUID, part: Constituent) -> Rejected:
    return Rejected(
        token_id,
        "quote",
        part.quote.venue,
        f"{part.left_out}: not used for the price",
        {"price": str(part.quote.price), "currency": part.quote.currency},
    )
