"""The inbox of issues: things a person has to look at, in plain sentences, each with advice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.i18n import N_, gettext
from coinsphere.parsing.decimals import plain
from coinsphere.portfolio.model import Finding, IssueKind

State = Literal["open", "resolved", "dismissed"]

_OF_BOOKING = [IssueKind.NEGATIVE_BALANCE, IssueKind.MISSING_COST, IssueKind.UNMATCHED_TRANSFER]

_SETTLE = """
    update app.portfolio_issues i set state = 'resolved', settled_at = now()
    where user_id = %(user_id)s and token_id = %(token_id)s and kind = any(%(kinds)s) and state <> 'resolved'
        and not exists (
            select from unnest(%(found_kinds)s::text[], %(found_facts)s::uuid[]) as found (kind, fact_id)
            where found.kind = i.kind and found.fact_id = i.fact_id
        )
        and not exists (
            select from app.transactions t
            where t.fact_id = i.fact_id and t.superseded_at is null and t.occurred_at < %(since)s
        )
"""
# What is found again is open again, unless the user said that he knows.
_FIND = """
    insert into app.portfolio_issues as known (user_id, portfolio_id, kind, token_id, fact_id, amount)
    select %(user_id)s, portfolio_id, kind, %(token_id)s, fact_id, sum(amount)
    from unnest(%(portfolios)s::uuid[], %(found_kinds)s::text[], %(found_facts)s::uuid[], %(amounts)s::numeric[])
        as found (portfolio_id, kind, fact_id, amount)
    group by portfolio_id, kind, fact_id
    on conflict (portfolio_id, kind, token_id, fact_id) do update set
        amount = excluded.amount,
        state = case known.state when 'dismissed' then 'dismissed' else 'open' end,
        settled_at = case known.state when 'dismissed' then known.settled_at end,
        found_at = case known.state when 'resolved' then now() else known.found_at end
"""
# An asset that never had a price, and an account whose balance is not what the ledger says.
_SURVEY = """
    with unpriced as (
        select p.portfolio_id, 'unpriced_asset' as kind, p.token_id, p.amount
        from app.positions p
        where p.portfolio_id = %(portfolio_id)s and p.until_day = 'infinity' and p.amount > 0
            and not exists (select from market.quotes q where q.token_id = p.token_id and q.quality = 'ok')
            and not exists (
                select from market.price_data d
                where d.token_id = p.token_id and d.interval = '1d' and d.is_final and d.quality <> 'suspect'
            )
    ),
    told as (
        select ledger.portfolio_id, ledger.token_id, abs(ledger.amount - sum(other.amount)) as amount
        from app.holdings ledger
        join app.holdings other
            on other.portfolio_id = ledger.portfolio_id and other.token_id = ledger.token_id
            and other.source in ('exchange', 'wallet')
        where ledger.portfolio_id = %(portfolio_id)s and ledger.source = 'ledger'
        group by ledger.id
        having ledger.amount <> sum(other.amount)
        union all
        select portfolio_id, token_id, abs(amount) from app.exchange_differences
        where portfolio_id = %(portfolio_id)s
    ),
    differences as (
        select portfolio_id, 'balance_difference' as kind, token_id, sum(amount) as amount
        from told group by portfolio_id, token_id
    ),
    found as (select * from unpriced union all select * from differences),
    settled as (
        update app.portfolio_issues i set state = 'resolved', settled_at = now()
        where portfolio_id = %(portfolio_id)s and kind in ('unpriced_asset', 'balance_difference') and state <> 'resolved'
            and not exists (select from found f where f.kind = i.kind and f.token_id = i.token_id)
    )
    insert into app.portfolio_issues as known (user_id, portfolio_id, kind, token_id, amount)
    select %(user_id)s, portfolio_id, kind, token_id, amount from found
    on conflict (portfolio_id, kind, token_id, fact_id) do update set
        amount = excluded.amount,
        state = case known.state when 'dismissed' then 'dismissed' else 'open' end,
        settled_at = case known.state when 'dismissed' then known.settled_at end,
        found_at = case known.state when 'resolved' then now() else known.found_at end
"""
_ISSUE = """
    select i.id, i.portfolio_id, i.kind, i.state, i.token_id, t.symbol as token_symbol, i.fact_id, i.amount, i.note,
        i.found_at, i.settled_at, f.occurred_at
    from app.portfolio_issues i
    join market.tokens t on t.id = i.token_id
    left join app.transactions f on f.fact_id = i.fact_id and f.superseded_at is null
"""
_LIST = (
    _ISSUE
    + """
    where i.user_id = %(user_id)s and i.portfolio_id = %(portfolio_id)s
        and (%(state)s::text is null or i.state = %(state)s)
        and (%(before)s::timestamptz is null or (i.found_at, i.id) < (%(before)s, %(before_id)s))
    order by i.found_at desc, i.id desc
    limit %(limit)s
"""
)
# The newest of each portfolio by its index, so that no more is read of many that are open.
_OPEN_OF = f"""
    select newest.* from app.portfolios p
    cross join lateral (
        {_ISSUE}
        where i.user_id = %(user_id)s and i.portfolio_id = p.id and i.state = 'open'
        order by i.found_at desc, i.id desc
        limit %(limit)s
    ) newest
    where p.user_id = %(user_id)s
    order by newest.found_at desc, newest.id desc
    limit %(limit)s
"""  # noqa: S608 - constants alone  # nosec B608
_GET = (
    _ISSUE + "where i.user_id = %(user_id)s and i.portfolio_id = %(portfolio_id)s and i.id = %(id)s"
)
_CHANGE = """
    update app.portfolio_issues set
        state = %(state)s, note = coalesce(%(note)s, note), settled_at = case when %(state)s <> 'open' then now() end
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue; `amount` in units of the token, `occurred_at` of the transaction that it is about."""

    id: UUID
    portfolio_id: UUID
    kind: IssueKind
    state: State
    token_id: UUID
    token_symbol: str
    fact_id: UUID | None
    amount: Decimal | None
    note: str | None
    found_at: datetime
    settled_at: datetime | None
    occurred_at: datetime | None

    @property
    def message(self) -> str:
        """The problem, in a sentence of the reader's language."""
        timed, timeless = _MESSAGES[IssueKind(self.kind)]
        return gettext(timeless if self.occurred_at is None else timed) % {
            "amount": "" if self.amount is None else plain(self.amount),
            "symbol": self.token_symbol,
            "when": "" if self.occurred_at is None else f"{self.occurred_at:%Y-%m-%d %H:%M} UTC",
        }

    @property
    def advice(self) -> str:
        """What to do about it, in the reader's language."""
        return gettext(_ADVICE[IssueKind(self.kind)])


_UNPRICED = N_("%(symbol)s has no price, so %(amount)s %(symbol)s count in no total.")
_DIFFERENT = N_("The account and the ledger differ by %(amount)s %(symbol)s.")
_MESSAGES = {
    IssueKind.NEGATIVE_BALANCE: (
        N_("%(amount)s %(symbol)s more left on %(when)s than was held."),
        N_("%(amount)s %(symbol)s more left than was held."),
    ),
    IssueKind.MISSING_COST: (
        N_("What %(amount)s %(symbol)s received on %(when)s cost is not known."),
        N_("What %(amount)s %(symbol)s received cost is not known."),
    ),
    IssueKind.UNMATCHED_TRANSFER: (
        N_("The other end of a transfer of %(amount)s %(symbol)s on %(when)s is not known."),
        N_("The other end of a transfer of %(amount)s %(symbol)s is not known."),
    ),
    IssueKind.UNPRICED_ASSET: (_UNPRICED, _UNPRICED),
    IssueKind.BALANCE_DIFFERENCE: (_DIFFERENT, _DIFFERENT),
}
"""Of a moment that is known, and of none."""
_ADVICE = {
    IssueKind.NEGATIVE_BALANCE: N_(
        "Add the purchase, deposit or transfer by which it came; its gain is unknown until then."
    ),
    IssueKind.MISSING_COST: N_(
        "Give the transaction a price; gains of what it brought are unknown until then."
    ),
    IssueKind.UNMATCHED_TRANSFER: N_(
        "Add the other end, confirm which transaction it is, or dismiss this if the other end is not yours."
    ),
    IssueKind.UNPRICED_ASSET: N_(
        "Nothing, if it is worthless; else check that the right token was chosen."
    ),
    IssueKind.BALANCE_DIFFERENCE: N_(
        "Import what is missing, or correct the transaction that is wrong."
    ),
}


def note_booking(
    conn: Connection,
    user_id: UUID,
    token_id: UUID,
    since: datetime,
    findings: Sequence[Finding],
) -> None:
    """Open the issues that the booking of a token found from `since` on, and settle those it did not find again."""
    parameters = {
        "user_id": user_id,
        "token_id": token_id,
        "since": since,
        "kinds": list(map(str, _OF_BOOKING)),
        "portfolios": [finding.portfolio_id for finding in findings],
        "found_kinds": [str(finding.kind) for finding in findings],
        "found_facts": [finding.fact_id for finding in findings],
        "amounts": [finding.amount for finding in findings],
    }
    conn.execute(_SETTLE, parameters)
    if findings:
        conn.execute(_FIND, parameters)


def survey(conn: Connection, user_id: UUID, portfolio_id: UUID) -> None:
    """Open and settle the issues about present holdings."""
    conn.execute(_SURVEY, {"user_id": user_id, "portfolio_id": portfolio_id})


def open_of(conn: Connection, user_id: UUID, limit: int) -> list[Issue]:
    """The newest open issues of all portfolios of the user."""
    cursor = conn.cursor(row_factory=class_row(Issue))
    return cursor.execute(_OPEN_OF, {"user_id": user_id, "limit": limit}).fetchall()


def list_for(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    *,
    state: State | None,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[Issue]:
    """Issues of a portfolio of the user, the newest first, after `before`."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "state": state,
        "limit": limit,
        "before": before[0] if before else None,
        "before_id": before[1] if before else None,
    }
    return conn.cursor(row_factory=class_row(Issue)).execute(_LIST, parameters).fetchall()


def get(conn: Connection, user_id: UUID, portfolio_id: UUID, issue_id: UUID) -> Issue | None:
    """One issue of a portfolio of the user; None where there is none of that id."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "id": issue_id}
    return conn.cursor(row_factory=class_row(Issue)).execute(_GET, parameters).fetchone()


def change(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    issue_id: UUID,
    *,
    state: State,
    note: str | None,
) -> Issue | None:
    """Set the state of an issue; None where there is none of that id."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": issue_id,
        "state": state,
        "note": note,
    }
    conn.execute(_CHANGE, parameters)
    return get(conn, user_id, portfolio_id, issue_id)
