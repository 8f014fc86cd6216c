"""An account at an exchange: what it told and is not in the books stands on its page, with the reason."""

import re
from uuid import UUID

from psycopg.types.json import Jsonb

_CONNECTION = """
    insert into app.exchange_connections (user_id, portfolio_id, exchange, credentials)
    select u.id, p.id, 'kraken', 'sealed' from app.users u
    join app.portfolios p on p.user_id = u.id
    where u.email = %s returning id
"""
_SYNC = """
    insert into app.exchange_syncs (user_id, connection_id, status, finished_at, unbooked)
    select user_id, id, 'succeeded', now(), 2 from app.exchange_connections where id = %s
"""
_UNREAD = """
    insert into app.exchange_unbooked (connection_id, native_id, reason, unread, stream, found_at)
    values (%s, 'L1', 'it has no time that can be read', '{"amount": "<b>7</b>"}', 'ledger', now())
"""
_NOT_BOOKED = """
    insert into app.exchange_unbooked (connection_id, native_id, reason, record, occurred_at, found_at)
    values (%s, %s, 'NEWCOIN is no token that we know', %s, '2026-03-04 05:06', now())
"""


def _connection(member, owner_db) -> UUID:
    owner_db.execute(
        "insert into app.portfolios (user_id, name) select id, 'one' from app.users where email = %s",
        [member.email],
    )
    (made,) = owner_db.execute(_CONNECTION, [member.email]).fetchone()
    return made


def _rows(page: str) -> list[str]:
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    return re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []


def test_what_is_not_booked_is_listed_with_its_reason(member, owner_db) -> None:
    connection = _connection(member, owner_db)
    path = f"/connections/exchanges/{connection}"
    assert 'id="unbooked"' not in member.get(path).text
    owner_db.execute(_SYNC, [connection])
    owner_db.execute(_UNREAD, [connection])
    owner_db.execute(_NOT_BOOKED, [connection, "L2", Jsonb({"asset": "NEWCOIN"})])
    page = member.get(path).text
    assert 'href="#unbooked"' in page
    unread, unknown = _rows(page)
    for said in (
        "L1",
        "ledger",
        "it has no time that can be read",
        "&lt;b&gt;7&lt;/b&gt;",
        "As it was told",
    ):
        assert said in unread
    for said in ("L2", "NEWCOIN is no token that we know", "2026", "As it was read"):
        assert said in unknown
    for number in range(100):
        owner_db.execute(_NOT_BOOKED, [connection, f"M{number}", Jsonb({})])
    page = member.get(path).text
    assert len(_rows(page)) == 100
    assert "There are more" in page
    # A part of the page, asked for while the account is read, tells it too.
    assert len(_rows(member.get(path, **{"HX-Request": "true"}).text)) == 100
