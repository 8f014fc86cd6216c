"""Rows of exchanges that cannot be read: kept as they were told, with where they are asked for again."""

from alembic import op

revision = "0044"
down_revision = "0043"

UP = """
alter table app.exchange_unbooked
    alter column record drop not null,
    alter column occurred_at drop not null,
    add column stream text,
    add column unread text check (length(unread) <= 2000),
    add column asked jsonb,
    add column tried_at timestamptz,
    add check ((record is null) = (unread is not null));
comment on column app.exchange_unbooked.unread is
    'A row that cannot be read, as it was told; then there is no record, and no time where it tells none';
comment on column app.exchange_unbooked.asked is 'Where in its stream the row is asked for again, by the next sync';
"""

DOWN = """
delete from app.exchange_unbooked where record is null or occurred_at is null;
alter table app.exchange_unbooked
    drop column stream, drop column unread, drop column asked, drop column tried_at,
    alter column record set not null,
    alter column occurred_at set not null;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
