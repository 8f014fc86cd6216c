"""The second wall: a transaction of the API sees the rows of the user that it acts for, whatever its queries say."""

from alembic import op

revision = "0015"
down_revision = "0014"

# By their column of the user, for the content of accounts.
OWNED = (
    "portfolios", "alerts", "exchange_connections", "wallet_connections", "payment_intents", "idempotency_keys",
)  # fmt: skip
# By the row that they belong to.
PARTS = {
    "holdings": ("portfolio_id", "portfolios"),
    "alert_events": ("alert_id", "alerts"),
    "defi_positions": ("wallet_id", "wallet_connections"),
    "nfts": ("wallet_id", "wallet_connections"),
}
# Found before anybody knows who asks, and administered by others than their owner.
CREDENTIALS = {
    "users": "id = app.acting_user()",
    "sessions": "user_id = app.acting_user()",
    "api_keys": "user_id = app.acting_user()",
    "email_verifications": "user_id = app.acting_user()",
    "password_resets": "user_id = app.acting_user()",
    "mails": "user_id = app.acting_user()",
    "refresh_tokens": "session_id in (select id from app.sessions where user_id = app.acting_user())",
}
STREAMED = ("users", "sessions", "alerts", "alert_events", "portfolios", "holdings")

FUNCTIONS = """
create function app.acting_user() returns uuid language sql stable
    return nullif(current_setting('app.user_id', true), '')::uuid;
create function app.acting_scope() returns text language sql stable
    return coalesce(current_setting('app.scope', true), '');
"""
BELONGS = "{column} in (select id from app.{parent} where user_id = app.acting_user())"
WALL = """
alter table app.{table} enable row level security, force row level security;
create policy owner_of_rows on app.{table} to coinsphere_api using ({own}) with check ({own});
create policy pipeline on app.{table} to coinsphere_pipeline using (true) with check (true);
create policy owner_of_schema on app.{table} to current_user using (true) with check (true);
"""
BEFORE = """
create policy authentication on app.{table} to coinsphere_api
    using (app.acting_scope() in ('authentication', 'administration'))
    with check (app.acting_scope() in ('authentication', 'administration'));
"""
STREAM = """
create policy stream on app.{table} for select to coinsphere_api using (app.acting_scope() = 'stream');
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for table in OWNED:
        op.execute(WALL.format(table=table, own="user_id = app.acting_user()"))
    for table, (column, parent) in PARTS.items():
        op.execute(WALL.format(table=table, own=BELONGS.format(column=column, parent=parent)))
    for table, own in CREDENTIALS.items():
        op.execute(WALL.format(table=table, own=own) + BEFORE.format(table=table))
    for table in STREAMED:
        op.execute(STREAM.format(table=table))


def downgrade() -> None:
    for table in STREAMED:
        op.execute(f"drop policy stream on app.{table}")
    for table in CREDENTIALS:
        op.execute(f"drop policy authentication on app.{table}")
    for table in (*OWNED, *PARTS, *CREDENTIALS):
        for policy in ("owner_of_rows", "pipeline", "owner_of_schema"):
            op.execute(f"drop policy {policy} on app.{table}")
        op.execute(
            f"alter table app.{table} disable row level security, no force row level security"
        )
    op.execute("drop function app.acting_user, app.acting_scope")
