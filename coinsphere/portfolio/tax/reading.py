"""Computes a user's tax report from the ledger, every token from its first transaction on. Reads only.

Each token is booked by the rules of the report, which may differ from those of its portfolios. Lots of a token that became
another one go on in the book of that other token.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import localcontext
from functools import partial
from graphlib import TopologicalSorter
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.lots import rebooking, stored_events
from coinsphere.portfolio.lots.book_records import Carried, Entry
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.tax.matching import Token
from coinsphere.portfolio.tax.regimes import Regime
from coinsphere.portfolio.tax.report import Disposal, Earned, Paid, Question, Report
from coinsphere.portfolio.valuation.stored_market import StoredMarket

_TOKENS = """
    with recursive traded as (
        select token_id from app.transactions where user_id = %(user_id)s and superseded_at is null
        union select fee_token_id from app.transactions where user_id = %(user_id)s and superseded_at is null
        union select counter_token_id from app.transactions where user_id = %(user_id)s and superseded_at is null
    ),
    held as (
        select token_id from traded where token_id is not null
        union
        select e.successor_id from held join market.asset_events e on e.token_id = held.token_id
        where e.successor_id is not null and e.kind in ('rename', 'swap', 'split') and e.removed_at is null
            and e.happened_at <= clock_timestamp()
    )
    select t.id, t.symbol from held join market.tokens t on t.id = held.token_id order by t.symbol, t.id
"""
_FIRST = "select min(occurred_at)::date from app.transactions where user_id = %(user_id)s and superseded_at is null"


def read(conn: Connection, user_id: UUID, regime: Regime, year: int, currency: str) -> Report:
    """The report of a tax year.

    Args:
        conn: within a transaction, as facts are read in portions.
        user_id: whose.
        regime: by which rules.
        year: the calendar year in which the tax year begins.
        currency: of a regime that has none of its own.
    """
    shown = regime.currency or currency
    market = StoredMarket(conn)
    report_lines: list[Disposal | Earned | Paid | Question] = []
    tokens = conn.execute(_TOKENS, {"user_id": user_id}).fetchall()
    row = conn.execute(_FIRST, {"user_id": user_id}).fetchone()
    market.prepare([token_id for token_id, _ in tokens], (row and row[0]) or date(year, 1, 1))
    with localcontext(EXACT):
        of_report = partial(
            Token, rules=rebooking.rules(conn, user_id), market=market, regime=regime, year=year, currency=shown,
        )  # fmt: skip
        for token in _tokens(conn, user_id, dict(tokens), of_report):
            for lines in (token.disposals(), token.income(), token.fees(), token.questions()):
                report_lines.extend(lines)
    return _report(report_lines, regime, year, shown)


@dataclass(frozen=True, slots=True)
class _Entries:
    """All facts of a token, read in portions each time that they are asked for."""

    conn: Connection
    user_id: UUID
    token_id: UUID

    def __iter__(self) -> Iterator[Entry]:
        return rebooking.entries(self.conn, self.user_id, self.token_id)


def _tokens(
    conn: Connection, user_id: UUID, symbols: dict[UUID, str], token: Callable[..., Token]
) -> Iterator[Token]:
    """The tokens in an order in which each comes after those it was converted from; `token` makes one."""
    lines = {token_id: stored_events.line(conn, token_id) for token_id in symbols}
    carried: dict[UUID, list[Carried]] = defaultdict(list)
    former = {token_id: line.former() & symbols.keys() for token_id, line in lines.items()}
    for token_id in TopologicalSorter(former).static_order():
        line, arrived = lines[token_id], carried.pop(token_id, [])
        scope = {"user_id": user_id, "token_id": token_id, "since": rebooking.BEGINNING}
        token_year = token(
            token_id=token_id, symbol=symbols[token_id], entries=_Entries(conn, user_id, token_id),
            successions=line.successions(), ends=line.conversions(conn, scope, arrived), carried=arrived,
            is_converted=bool(line.events),
        )  # fmt: skip
        yield token_year
        if line.heirs():
            facts = (entry.fact for entry in token_year.entries)
            for heir, legacy in line.legacies(token_year.records, token_year.given(), facts):
                carried[heir].append(legacy)


def _report(
    report_lines: Iterable[Disposal | Earned | Paid | Question],
    regime: Regime,
    year: int,
    currency: str,
) -> Report:
    lines = list(report_lines)
    disposals = (line for line in lines if isinstance(line, Disposal))
    income = (line for line in lines if isinstance(line, Earned))
    fees = (line for line in lines if isinstance(line, Paid))
    unknown = (line for line in lines if isinstance(line, Question))
    return Report(
        regime,
        year,
        currency,
        sorted(unknown, key=lambda line: (line.on, line.symbol)),
        sorted(disposals, key=lambda line: (line.disposed_on, line.symbol)),
        sorted(income, key=lambda line: (line.on, line.symbol)),
        sorted(fees, key=lambda line: line.on),
    )
