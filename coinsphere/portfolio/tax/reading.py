"""The tax report of a user out of the ledger: every token from its first transaction on. Reads only."""

from collections.abc import Iterable
from datetime import date
from decimal import localcontext
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.lots import rebooking
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.tax.matching import Token
from coinsphere.portfolio.tax.regimes import Regime
from coinsphere.portfolio.tax.report import Disposal, Earned, Paid, Question, Report
from coinsphere.portfolio.valuation.stored_market import StoredMarket

_TOKENS = """
    with traded as (
        select token_id from app.transactions where user_id = %(user_id)s and superseded_at is null
        union select fee_token_id from app.transactions where user_id = %(user_id)s and superseded_at is null
        union select counter_token_id from app.transactions where user_id = %(user_id)s and superseded_at is null
    )
    select t.id, t.symbol from traded join market.tokens t on t.id = traded.token_id order by t.symbol, t.id
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
    market, rules = StoredMarket(conn), rebooking.rules(conn, user_id)
    found: list[Disposal | Earned | Paid | Question] = []
    tokens = conn.execute(_TOKENS, {"user_id": user_id}).fetchall()
    row = conn.execute(_FIRST, {"user_id": user_id}).fetchone()
    market.prepare([each[0] for each in tokens], (row and row[0]) or date(year, 1, 1))
    with localcontext(EXACT):
        for token_id, symbol in tokens:
            entries = list(rebooking.entries(conn, user_id, token_id))
            token = Token(token_id, symbol, entries, rules, market, regime, year, shown)
            for lines in (token.disposals(), token.income(), token.fees(), token.questions()):
                found.extend(lines)
    return _report(found, regime, year, shown)


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
