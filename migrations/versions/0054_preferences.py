"""In which currency somebody reads sums, and by which clock."""

from alembic import op

revision = "0054"
down_revision = "0053"

UP = """
alter table app.users
    add column currency text check (currency ~ '^[A-Z]{3}$'),
    add column time_zone text check (length(time_zone) between 1 and 64);
grant select (time_zone) on app.users to coinsphere_pipeline, coinsphere_worker;
comment on column app.users.currency is 'Of sums over portfolios; none: the one that all are in, else US dollars';
comment on column app.users.time_zone is 'Name in the IANA database, of clocks on pages and in mails; none: UTC';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("alter table app.users drop column currency, drop column time_zone")
