"""The tax report of a user out of the ledger: every token from its first transaction on. Reads only.

Each token is booked by the rules of the report, which may not be those of its portfolios, and hands over to the token
that it became what its own book has.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import localcontext
from functools import partial
from graphlib import TopologicalSorter
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.lots import rebooking, stored_events
from coinsphere.portfolio.lots.book_records import Carried
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
    found: list[Disposal | Earned | Paid | Question] = []
    tokens = conn.execute(_TOKENS, {"user_id": user_id}).fetchall()
    row = conn.execute(_FIRST, {"user_id": user_id}).fetchone()
    market.prepare([each[0] for each in tokens], (row and row[0]) or date(year, 1, 1))
    with localcontext(EXACT):
        of_report = partial(
            Token, rules=rebooking.rules(conn, user_id), market=market, regime=regime, year=year, currency=shown,
        )  # fmt: skip
        for token in _tokens(conn, user_id, dict(tokens), of_report):
            for lines in (token.disposals(), token.income(), token.fees(), token.questions()):
                found.extend(lines)
    return _report(found, regime, year, shown)


def _tokens(
    conn: Connection, user_id: UUID, symbols: dict[UUID, str], token: Callable[..., Token]
) -> Iterator[Token]:
    """Each token behind all that it comes from; `token` makes one out of what is its own."""
    lines = {each: stored_events.line(conn, each) for each in symbols}
    carried: dict[UUID, list[Carried]] = defaultdict(list)
    former = {each: line.former() & symbols.keys() for each, line in lines.items()}
    for each in TopologicalSorter(former).static_order():
        line, came = lines[each], carried.pop(each, [])
        scope = {"user_id": user_id, "token_id": each, "since": rebooking.BEGINNING}
        token_year = token(
            token_id=each, symbol=symbols[each], entries=list(rebooking.entries(conn, user_id, each)),
            successions=line.successions(), ends=line.conversions(conn, scope, came), carried=came,
        )  # fmt: skip
        yield token_year
        if line.heirs():
            facts = (entry.fact for entry in token_year.entries)
            for heir, legacy in line.legacies(token_year.records, token_year.given(), facts):
                carried[heir].append(legacy)


def _report(
    found: Iterable[Disposal | Earned | Paid | Question], regime: Regime, year: int, currency: str
) -> Report:
    disposals: list[Disposal] = []
    income: list[Earned] = []
    fees: list[Paid] = []
    unknown: list[Question] = []
    for each in found:
        if isinstance(each, Disposal):
            disposals.append(each)
        elif isinstance(each, Earned):
            income.append(each)
        elif isinstance(each, Paid):
            fees.append(each)
        else:
            unknown.append(each)
    return Report(
        regime,
        year,
        currency,
        sorted(unknown, key=lambda each: (each.on, each.symbol)),
        sorted(disposals, key=lambda each: (each.disposed_on, each.symbol)),
        sorted(income, key=lambda each: (each.on, each.symbol)),
        sorted(fees, key=lambda each: each.on),
    )
