"""Checks that stored data is consistent: each check counts the rows that contradict it, and names the first.

Only looks, and keeps a verdict for who asks later whether the system is well. The books of a user who changes something meanwhile are seen before or after, as each check is one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Check:
    """A check: the rule, and a query of rows that contradict it, each as a text."""

    name: str
    rule: str
    statement: str


@dataclass(frozen=True, slots=True)
class Result:
    """How many rows contradict a check, and the first of them."""

    name: str
    rule: str
    faults: int
    examples: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts it."""
        return self.faults == 0

    @property
    def problem(self) -> str:
        """A sentence for who has to mend it."""
        return f"faults in {self.name}: {self.faults}"


@dataclass(frozen=True, slots=True)
class _Counted:
    faults: int
    examples: list[str]


CHECKS = (
    Check(
        "ledger_sums",
        "The ledger entries of each transaction sum to zero for each asset.",
        """
        select 'transaction ' || transaction_id || ': ' || sum(amount) || ' of ' || coalesce(token_id::text, currency)
        from app.ledger_entries
        group by transaction_id, token_id, currency
        having sum(amount) <> 0
        """,
    ),
    Check(
        "ledger_of_facts",
        "A transaction that counts has its amount in the ledger; one that was superseded has nothing left there.",
        """
        select 'transaction ' || t.id || ': ledger ' || coalesce(held.amount, 0)
        from app.transactions t
        left join lateral (
            select sum(e.amount) as amount
            from app.ledger_entries e
            where e.transaction_id = t.id and e.account = 'holding' and e.token_id = t.token_id
        ) held on true
        where case
            when t.superseded_at is not null then coalesce(held.amount, 0) <> 0
            else coalesce(held.amount, 0) <>
                case when t.type in ('buy', 'deposit', 'transfer_in', 'opening_balance', 'reward', 'staking', 'airdrop',
                                     'interest')
                    then t.amount else -t.amount end
                - case when t.fee_token_id = t.token_id then coalesce(t.fee, 0) else 0 end
        end
        """,
    ),
    Check(
        "ledger_orphans",
        "Every ledger entry belongs to a transaction of the same portfolio and user.",
        """
        select 'entry ' || e.id
        from app.ledger_entries e
        left join app.transactions t on t.id = e.transaction_id
        where (t.portfolio_id, t.user_id) is distinct from (e.portfolio_id, e.user_id)
        """,
    ),
    Check(
        "one_current_version",
        "A fact's versions count up from one, and all but the last are superseded.",
        """
        select 'fact ' || fact_id
        from app.transactions
        group by fact_id
        having min(version) <> 1 or max(version) <> count(*)
            or count(*) filter (where superseded_at is null) > 1
            or bool_or(superseded_at is null and version <> (
                select max(v.version) from app.transactions v where v.fact_id = transactions.fact_id
            ))
        """,
    ),
    Check(
        "positions_of_ledger",
        "What is held is what the ledger says, across events, plus what was used without being held.",
        """
        with marked as (select distinct user_id, token_id from app.booking_marks),
        ledger as (
            select user_id, portfolio_id, token_id, sum(amount) as amount
            from app.ledger_entries
            where account = 'holding'
            group by 1, 2, 3
        ),
        missing as (
            select portfolio_id, token_id, sum(quantity) as amount
            from app.lot_uses
            where lot_number is null
            group by 1, 2
        ),
        converted as (
            select portfolio_id, token_id, sum(amount) as amount
            from (
                select portfolio_id, token_id, quantity as amount, fact_id from app.lots
                union all
                select portfolio_id, token_id, -quantity, fact_id from app.lot_uses
            ) by_event
            where fact_id in (select id from market.asset_events)
            group by 1, 2
        ),
        held as (
            select user_id, portfolio_id, token_id, amount from app.positions where until_day = 'infinity'
        )
        select 'portfolio ' || portfolio_id || ', token ' || token_id || ': position ' || coalesce(held.amount, 0)
            || ', ledger ' || coalesce(ledger.amount, 0)
        from ledger
        full join held using (user_id, portfolio_id, token_id)
        left join missing using (portfolio_id, token_id)
        left join converted using (portfolio_id, token_id)
        where coalesce(held.amount, 0)
                <> coalesce(ledger.amount, 0) + coalesce(missing.amount, 0) + coalesce(converted.amount, 0)
            and (user_id, token_id) not in (select user_id, token_id from marked)
        """,
    ),
    Check(
        "lots_of_positions",
        "What is left of the lots is what is held, at the same cost.",
        """
        with marked as (select distinct user_id, token_id from app.booking_marks),
        used as (
            select user_id, token_id, lot_number, sum(quantity) as quantity, sum(cost) as cost
            from app.lot_uses
            where lot_number is not null
            group by 1, 2, 3
        ),
        lots as (
            select l.user_id, l.portfolio_id, l.token_id, sum(l.quantity - coalesce(u.quantity, 0)) as amount,
                sum(case when l.cost is not null then l.cost - coalesce(u.cost, 0) else 0 end) as cost
            from app.lots l
            left join used u on u.user_id = l.user_id and u.token_id = l.token_id and u.lot_number = l.number
            group by 1, 2, 3
        ),
        held as (
            select user_id, portfolio_id, token_id, amount, cost from app.positions where until_day = 'infinity'
        )
        select 'portfolio ' || portfolio_id || ', token ' || token_id || ': lots ' || coalesce(lots.amount, 0)
            || ' for ' || coalesce(lots.cost, 0) || ', position ' || coalesce(held.amount, 0) || ' for '
            || coalesce(held.cost, 0)
        from lots
        full join held using (user_id, portfolio_id, token_id)
        where (coalesce(lots.amount, 0), coalesce(lots.cost, 0)) <> (coalesce(held.amount, 0), coalesce(held.cost, 0))
            and (user_id, token_id) not in (select user_id, token_id from marked)
        """,
    ),
    Check(
        "no_lot_overused",
        "No lot is used beyond its quantity, or closed while something of it is left.",
        """
        select 'lot ' || l.number || ' of user ' || l.user_id || ', token ' || l.token_id
        from app.lots l
        left join (
            select user_id, token_id, lot_number, sum(quantity) as quantity from app.lot_uses group by 1, 2, 3
        ) u on u.user_id = l.user_id and u.token_id = l.token_id and u.lot_number = l.number
        where coalesce(u.quantity, 0) > l.quantity
            or (l.closed_at is not null) <> (coalesce(u.quantity, 0) = l.quantity)
        """,
    ),
    Check(
        "position_days",
        "The days of a position neither overlap nor leave a gap.",
        """
        select 'portfolio ' || portfolio_id || ', token ' || token_id || ', day ' || from_day
        from (
            select *, lead(from_day, 1, 'infinity') over (partition by portfolio_id, token_id order by from_day) as next_day
            from app.positions
        ) p
        where until_day <> next_day
        """,
    ),
    Check(
        "holdings_of_positions",
        "What the API shows as held is the open position.",
        """
        with marked as (select distinct user_id, token_id from app.booking_marks)
        select 'portfolio ' || portfolio_id || ', token ' || token_id
        from (select portfolio_id, token_id, amount from app.holdings where source = 'ledger') h
        full join (
            select user_id, portfolio_id, token_id, amount from app.positions where until_day = 'infinity' and amount > 0
        ) p using (portfolio_id, token_id)
        where h.amount is distinct from p.amount
            and not exists (
                select from marked join app.portfolios o on o.user_id = marked.user_id
                where o.id = portfolio_id and marked.token_id = token_id
            )
        """,
    ),
    Check(
        "value_days",
        "A portfolio's values have every day from its first on, once its changes are valued.",
        """
        select 'portfolio ' || s.portfolio_id || ': ' || count(v.day) || ' days of ' || (max(v.day) - s.first_day + 1)
        from app.portfolio_states s
        join app.portfolio_values_daily v using (portfolio_id)
        where not exists (select from app.valuation_marks m where m.portfolio_id = s.portfolio_id)
        group by s.portfolio_id, s.first_day
        having count(v.day) <> max(v.day) - s.first_day + 1 or min(v.day) <> s.first_day
        """,
    ),
    Check(
        "realised_days",
        "The gains that a day's values show as realised are those of the uses of lots on that day.",
        """
        with marked as (
            select portfolio_id from app.valuation_marks
            union
            select p.id from app.portfolios p join app.booking_marks b on b.user_id = p.user_id
        ),
        used as (
            select portfolio_id, (used_at at time zone 'UTC')::date as day, coalesce(sum(proceeds - cost), 0) as gain,
                count(*) filter (where proceeds is null or cost is null) as unknown
            from app.lot_uses
            where kind in ('sale', 'swap', 'fee', 'lost')
            group by 1, 2
        )
        select 'portfolio ' || v.portfolio_id || ', day ' || v.day || ': ' || v.realised || ', uses '
            || coalesce(used.gain, 0)
        from app.portfolio_values_daily v
        left join used on used.portfolio_id = v.portfolio_id and used.day = v.day
        where (v.realised, v.realised_unknown) <> (coalesce(used.gain, 0), coalesce(used.unknown, 0))
            and v.portfolio_id not in (select portfolio_id from marked)
        """,
    ),
    Check(
        "transaction_counts",
        "The number of transactions that is shown is the number of those that count.",
        """
        select 'portfolio ' || s.portfolio_id || ': shows ' || s.transaction_count || ', has ' || count(t.id)
        from app.portfolio_states s
        left join app.transactions t on t.portfolio_id = s.portfolio_id and t.superseded_at is null
        group by s.portfolio_id
        having s.transaction_count <> count(t.id)
        """,
    ),
    Check(
        "matches_of_transfers",
        "The ends of a matched transfer are an outgoing and an incoming transaction of one user and token.",
        """
        select 'transfer ' || m.out_fact_id || ' to ' || m.in_fact_id
        from app.transfer_matches m
        left join app.transactions o on o.fact_id = m.out_fact_id and o.superseded_at is null
        left join app.transactions i on i.fact_id = m.in_fact_id and i.superseded_at is null
        where m.state <> 'rejected'
            and not exists (
                select from app.booking_marks b where b.user_id = m.user_id and b.token_id = m.token_id
            )
            and (
                (o.user_id, o.token_id, o.type) is distinct from (m.user_id, m.token_id, 'transfer_out')
                or (i.user_id, i.token_id, i.type) is distinct from (m.user_id, m.token_id, 'transfer_in')
            )
        """,
    ),
)
_COUNTED = """
    with faults (what) as ({statement}), numbered as (select what, row_number() over () as place from faults)
    select count(*)::integer as faults, coalesce(array_agg(what) filter (where place <= 5), '{{}}') as examples from numbered
"""

_KEEP = """
    insert into app.books_verdict (checked_at, problems) values (%(now)s, %(problems)s)
    on conflict (only_row) do update set checked_at = excluded.checked_at, problems = excluded.problems
"""


def check(conn: Connection) -> list[Result]:
    """Run every check. `conn` must see the rows of all users: the role of the pipeline or of the owner does."""
    return [_run(conn, each) for each in CHECKS]


def keep(conn: Connection, results: Sequence[Result], now: datetime) -> None:
    """Store what was found, which `last_problems` tells until the next check."""
    problems = [each.problem for each in results if not each.holds]
    conn.execute(_KEEP, {"now": now, "problems": problems})


def last_problems(conn: Connection) -> list[str]:
    """What the last check found, a sentence for each rule that is broken; reads no books."""
    row = conn.execute("select problems from app.books_verdict").fetchone()
    return row[0] if row else []


def _run(conn: Connection, each: Check) -> Result:
    # Each statement is a constant of this module.
    statement = _COUNTED.format(statement=each.statement).encode()
    counted = conn.cursor(row_factory=class_row(_Counted)).execute(statement).fetchone()
    assert counted is not None
    return Result(each.name, each.rule, counted.faults, counted.examples)
