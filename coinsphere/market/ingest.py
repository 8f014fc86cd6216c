"""Loads a source's data into the market tables; the scheduled assets call this.

One token's failure never stops the others, and every attempt leaves a row in `market.ingestions`. These functions ask
outside sources, so they commit after each token: what is done stays done whatever comes after, and no transaction is
open while somebody else's server thinks. Do not call them inside a transaction block.
"""

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from psycopg import Connection

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.errors import (
    BadPayload,
    NotListed,
    OutsideWindow,
    ProviderError,
    RateLimited,
    Unavailable,
)
from coinsphere.market.candles import store as candle_store
from coinsphere.market.consensus import store as consensus_store
from coinsphere.market.consensus.model import Rules
from coinsphere.market.consensus.venues import VenueSource
from coinsphere.market.model import (
    Interval,
    Loaded,
    MarketDataSource,
    NotesProblems,
    QuoteSource,
    Token,
)
from coinsphere.market.quality import quarantine
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quotes import store as quote_store
from coinsphere.market.reference import metadata as metadata_store

CODES: dict[type[ProviderError], str] = {
    RateLimited: "rate_limited",
    NotListed: "not_listed",
    OutsideWindow: "outside_window",
    Unavailable: "unavailable",
    BadPayload: "bad_payload",
}
"""How `market.ingestions` names each error."""
Kind = Literal["quotes", "candles", "metadata"]
_QUARANTINE_KINDS: dict[Kind, Literal["quote", "candle", "metadata"]] = {
    "quotes": "quote",
    "candles": "candle",
    "metadata": "metadata",
}

_RECORD = """
    insert into market.ingestions
        (kind, source, token_id, started_at, finished_at, rows_received, rows_written, rows_quarantined,
         error_code, error)
    values
        (%(kind)s, %(source)s, %(token_id)s, %(started_at)s, clock_timestamp(), %(received)s, %(written)s,
         %(quarantined)s, %(error_code)s, %(error)s)
"""

_log = log.get("market.ingest")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a source could not give; `symbol` is None where it concerns all tokens."""

    symbol: str | None
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.symbol or 'all'}: {self.code.replace('_', ' ')} ({self.message})"


@dataclass(slots=True)
class IngestionReport:
    """The result of one refresh."""

    source: str
    received: int = 0
    written: int = 0
    quarantined: int = 0
    errors: list[Problem] = field(default_factory=list)


def refresh_quotes(
    conn: Connection,
    source: MarketDataSource,
    tokens: Sequence[Token],
    now: datetime,
    rules: Rules | None = None,
) -> IngestionReport:
    """Fetch and store the newest quote of each token; one that fails keeps its last quote, with its age.

    Where a source tells what several venues say, the quote is what they agree on by `rules`.

    Raises:
        RateLimited: nothing could be fetched, and it may pass.
        Unavailable: the same.
    """
    run = _Run(conn, source, "quotes")
    if not tokens:
        return run.finish()
    with run.attempt():
        if isinstance(source, VenueSource):
            venue_quotes = source.venue_quotes(tokens)
            settled = consensus_store.settle(
                conn, source.name, tokens, venue_quotes, now, rules or Rules()
            )
            run.loaded(settled.loaded)
            run.doubted(settled.doubts)
            run.missing(tokens, {quote.asset for quote in venue_quotes})
        elif isinstance(source, QuoteSource):
            quotes = source.quotes(tokens)
            run.loaded(quote_store.store(conn, quotes, now))
            run.missing(tokens, {quote.token_id for quote in quotes})
    return run.finish()


def refresh_metadata(
    conn: Connection, source: MarketDataSource, tokens: Sequence[Token], now: datetime
) -> IngestionReport:
    """Fetch and store the facts of each token; unknown ones keep their last value.

    Raises:
        RateLimited: nothing could be fetched, and it may pass.
        Unavailable: the same.
    """
    run = _Run(conn, source, "metadata")
    with run.attempt():
        rows = source.metadata(tokens)
        run.loaded(metadata_store.store(conn, rows, now))
    return run.finish()


def refresh_candles(  # noqa: PLR0917 - what is fetched, and for when
    conn: Connection,
    source: MarketDataSource,
    tokens: Sequence[Token],
    interval: Interval,
    start: datetime,
    end: datetime,
    now: datetime,
) -> IngestionReport:
    """Fetch and store the candles of each token that open in [start, end).

    Where the source's plan does not reach back to `start`, what it has is fetched.

    Raises:
        RateLimited: no token's candles could be fetched, and it may pass.
        Unavailable: the same.
    """
    run = _Run(conn, source, "candles")
    for token in tokens:
        _refresh_token(run, token, interval, start, end, now)
    return run.finish()


def backfill_gaps(
    conn: Connection,
    source: MarketDataSource,
    tokens: Sequence[Token],
    interval: Interval,
    now: datetime,
) -> IngestionReport:
    """Fetch every candle that is missing between a token's first and last one.

    Raises:
        RateLimited: none of them could be fetched, and it may pass.
        Unavailable: the same.
    """
    run = _Run(conn, source, "candles")
    by_id = {token.id: token for token in tokens}
    for gap in candle_store.gaps(conn, interval, list(by_id)):
        end = gap.last + interval.duration
        _refresh_token(run, by_id[gap.token_id], interval, gap.first, end, now)
    return run.finish()


def _refresh_token(  # noqa: PLR0917 - as above
    run: "_Run", token: Token, interval: Interval, start: datetime, end: datetime, now: datetime
) -> None:
    earliest: datetime | None = None
    with run.attempt(token) as attempt:
        run.load(token, interval, start, end, now)
    if isinstance(attempt.error, OutsideWindow):
        earliest = attempt.error.earliest
    if earliest is not None and start < earliest < end:
        with run.attempt(token):
            run.load(token, interval, earliest, end, now)


@dataclass(slots=True)
class _Attempt:
    """One request to a source, and the error that it raised."""

    error: ProviderError | None = None


class _Run:
    """One refresh: asks, counts, records, and decides at its end whether it failed as a whole."""

    def __init__(self, conn: Connection, source: MarketDataSource, kind: Kind) -> None:
        self._conn, self._source, self._kind = conn, source, kind
        self._report = IngestionReport(source.name)
        self._transient: ProviderError | None = None
        self._is_success = False
        self._started_at = utc_now()

    @contextmanager
    def attempt(self, token: Token | None = None) -> Iterator[_Attempt]:
        """Catch what a source may answer with, and record it."""
        attempt = _Attempt()
        self._started_at = utc_now()
        try:
            yield attempt
        except ProviderError as error:
            attempt.error = error
            if isinstance(error, RateLimited | Unavailable):
                self._transient = error
            self._note(error, token)
        if isinstance(self._source, NotesProblems):
            for problem in self._source.take_problems():
                self._note(problem, token)
        self._conn.commit()

    def load(
        self, token: Token, interval: Interval, start: datetime, end: datetime, now: datetime
    ) -> None:
        """Fetch and store the candles of one token."""
        rows = self._source.candles(token, interval, start, end)
        self.loaded(candle_store.load(self._conn, rows, lambda: now), token)

    def loaded(self, loaded: Loaded, token: Token | None = None) -> None:
        """Count and record what was stored."""
        self._is_success = True
        self._report.received += loaded.received
        self._report.written += loaded.written
        self._report.quarantined += loaded.quarantined
        self._record(loaded, token)

    def missing(self, tokens: Sequence[Token], came: Container[object]) -> None:
        """Note the tokens that the source gave nothing for."""
        absent = sorted(token.symbol for token in tokens if token.id not in came)
        if absent:
            self._note(NotListed(self._source.name, f"nothing for {', '.join(absent)}"), None)

    def doubted(self, doubts: Sequence[str]) -> None:
        """Record the tokens that were quoted, but by no venue that could be believed."""
        if doubts:
            self._note(Unavailable(self._source.name, f"no new price of {'; '.join(doubts)}"), None)

    def finish(self) -> IngestionReport:
        """The report; raises the passing error if the whole refresh brought nothing else."""
        if self._transient is not None and not self._is_success:
            raise self._transient
        return self._report

    def _note(self, error: ProviderError, token: Token | None) -> None:
        symbol = token.symbol if token else None
        problem = Problem(symbol, CODES[type(error)], str(error))
        self._report.errors.append(problem)
        # What no source has is missing every hour anew, and nothing can be done about it.
        tell = _log.info if isinstance(error, NotListed | OutsideWindow) else _log.warning
        tell("market data missing", kind=self._kind, problem=str(problem))
        if isinstance(error, BadPayload):
            row = Rejected(
                token.id if token else None,
                _QUARANTINE_KINDS[self._kind],
                error.source,
                str(error),
                {"answer": error.payload},
            )
            quarantine.store(self._conn, [row])
        self._record(Loaded(), token, problem)

    def _record(self, loaded: Loaded, token: Token | None, problem: Problem | None = None) -> None:
        self._conn.execute(
            _RECORD,
            {
                "kind": self._kind,
                "source": self._source.name,
                "token_id": token.id if token else None,
                "started_at": self._started_at,
                "received": loaded.received,
                "written": loaded.written,
                "quarantined": loaded.quarantined,
                "error_code": problem and problem.code,
                "error": problem and problem.message[:1000],
            },
        )
