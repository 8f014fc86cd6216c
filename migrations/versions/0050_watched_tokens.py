"""Tokens that somebody watches without holding them."""

from alembic import op

revision = "0050"
down_revision = "0049"

UP = """
create table app.watched_tokens (
    user_id uuid not null references app.users on delete cascade,
    token_id uuid not null references market.tokens,
    watched_at timestamptz not null,
    primary key (user_id, token_id)
);
create index watched_tokens_token_id on app.watched_tokens (token_id);
alter table app.watched_tokens enable row level security, force row level security;
create policy owner_of_rows on app.watched_tokens to coinsphere_api
    using (user_id = app.acting_user()) with check (user_id = app.acting_user());
create policy owner_of_schema on app.watched_tokens to current_user using (true) with check (true);
grant select, insert, update, delete on app.watched_tokens to coinsphere_api;
comment on table app.watched_tokens is 'What a user put on the watchlist';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("drop table app.watched_tokens")
