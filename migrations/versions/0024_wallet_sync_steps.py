"""What a sync of a wallet does and what it found, for who waits for it and for the stream."""

from alembic import op

revision = "0024"
down_revision = "0023"

UP = """
alter table app.wallet_syncs
    add column step text check (step in ('reading', 'storing')),
    add column balances integer check (balances >= 0),
    add column positions integer check (positions >= 0);
"""
STREAMED = ("wallet_syncs", "wallet_connections")
STREAM = """
create policy stream on app.{table} for select to coinsphere_api using (app.acting_scope() = 'stream');
"""
DOWN = """
drop policy stream on app.wallet_syncs;
drop policy stream on app.wallet_connections;
alter table app.wallet_syncs drop column step, drop column balances, drop column positions;
"""


def upgrade() -> None:
    op.execute(UP)
    for table in STREAMED:
        op.execute(STREAM.format(table=table))


def downgrade() -> None:
    op.execute(DOWN)
