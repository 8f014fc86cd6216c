"""Exports everything stored of an account for its owner, except hashes and sealed secrets, which let somebody in."""

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import dict_row

from webapi.http.schema import camel

SECTIONS: dict[str, str] = {
    "users": "id = %(user_id)s",
    "sessions": "user_id = %(user_id)s",
    "passkeys": "user_id = %(user_id)s",
    "openid_identities": "user_id = %(user_id)s",
    "api_keys": "user_id = %(user_id)s",
    "email_verifications": "user_id = %(user_id)s",
    "portfolios": "user_id = %(user_id)s",
    "holdings": "portfolio_id in (select id from app.portfolios where user_id = %(user_id)s)",
    "transactions": "user_id = %(user_id)s",
    "import_batches": "user_id = %(user_id)s",
    "portfolio_shares": "user_id = %(user_id)s",
    "watched_tokens": "user_id = %(user_id)s",
    "alerts": "user_id = %(user_id)s",
    "alert_events": "alert_id in (select id from app.alerts where user_id = %(user_id)s)",
    "alert_channels": "user_id = %(user_id)s",
    "alert_channel_choices": "alert_id in (select id from app.alerts where user_id = %(user_id)s)",
    "channel_messages": "channel_id in (select id from app.alert_channels where user_id = %(user_id)s)",
    "exchange_connections": "user_id = %(user_id)s",
    "wallet_connections": "user_id = %(user_id)s",
    "defi_positions": "wallet_id in (select id from app.wallet_connections where user_id = %(user_id)s)",
    "nfts": "wallet_id in (select id from app.wallet_connections where user_id = %(user_id)s)",
    "billing_customers": "user_id = %(user_id)s",
    "subscriptions": "user_id = %(user_id)s",
    "payment_events": "user_id = %(user_id)s",
    "feedback": "user_id = %(user_id)s",
    "product_events": "user_id = %(user_id)s",
    "experiment_assignments": "user_id = %(user_id)s",
    "experiment_outcomes": "user_id = %(user_id)s",
    "alert_verdicts": "user_id = %(user_id)s",
    "payment_intents": "user_id = %(user_id)s",
    "mails": "user_id = %(user_id)s",
    "audit_logs": "actor_id = %(user_id)s",
}
"""The tables, and which of their rows are the account's."""

DERIVED = frozenset(
    (
        "booking_marks",
        "exchange_syncs",
        "ledger_entries",
        "lot_uses",
        "lots",
        "portfolio_issues",
        "portfolio_states",
        "portfolio_syncs",
        "portfolio_values_daily",
        "position_flows",
        "position_values_daily",
        "positions",
        "transfer_matches",
        "valuation_marks",
        "wallet_nonces",
        "wallet_syncs",
    )
)
"""Tables that are computed from the rows above, or say how far work on them is, and are not repeated."""

_HIDDEN = frozenset(("password_hash", "totp_last_step", "response", "body_text", "body_html"))
_PICTURES = frozenset(("screenshot",))
_WRITTEN = (str, int, float, Decimal, datetime, date, UUID, dict)
_ROWS = "select {columns} from {table} as found where {condition}"
# What the API may not read, like the credentials of an exchange, is not asked for.
_COLUMNS = """
    select attname from pg_attribute
    where attrelid = %(table)s::regclass and attnum > 0 and not attisdropped
        and has_column_privilege(attrelid, attnum, 'select')
    order by attnum
"""


def of(conn: Connection, user_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """The rows of an account by table, in the wire's names; numbers stay exact."""
    return {camel(name): _rows(conn, name, user_id) for name in SECTIONS}


def _rows(conn: Connection, name: str, user_id: UUID) -> list[dict[str, Any]]:
    columns = conn.execute(_COLUMNS, {"table": f"app.{name}"}).fetchall()
    query = sql.SQL(_ROWS).format(
        columns=sql.SQL(", ").join(sql.Identifier(column) for (column,) in columns),
        table=sql.Identifier("app", name),
        condition=sql.SQL(SECTIONS[name]),
    )
    rows = conn.cursor(row_factory=dict_row).execute(query, {"user_id": user_id}).fetchall()
    return [_shown(row) for row in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is no text, number, date or picture, which is in base64: hashes and sealed values are bytes."""
    return {
        camel(name): _plain(value)
        for name, value in row.items()
        if name not in _HIDDEN and (name in _PICTURES or not isinstance(value, bytes))
    }


def _plain(value: Any) -> Any:
    """What `webapi.http.json` writes; network addresses and the like become text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    is_known = value is None or isinstance(value, _WRITTEN)
    return value if is_known else str(value)
