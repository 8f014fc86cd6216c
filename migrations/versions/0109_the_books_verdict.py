"""The last check of all books, for whoever asks whether the system is well."""

from alembic import op

revision = "0109"
down_revision = "0106"

# One row: to check all books takes seconds and more, and `/health` asks all the time.
UP = """
create table app.books_verdict (
    only_row boolean primary key default true check (only_row),
    checked_at timestamptz not null,
    problems text[] not null
);
comment on table app.books_verdict is 'What the last check of ledger, lots, positions and values found, one row';
comment on column app.books_verdict.problems is 'A sentence for each check that rows contradict; empty where none do';
grant select on app.books_verdict to coinsphere_api, coinsphere_worker, coinsphere_readonly;
grant select, insert, update on app.books_verdict to coinsphere_pipeline;
"""
DOWN = "drop table app.books_verdict"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
