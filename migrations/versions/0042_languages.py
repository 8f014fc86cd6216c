"""The language in which an account is written to; null: nobody has chosen one."""

from alembic import op

revision = "0042"
down_revision = "0041"

UP = """
alter table app.users add column locale text check (locale ~ '^[a-z]{2}$');
grant select (locale) on app.users to coinsphere_pipeline, coinsphere_worker;
"""

DOWN = "alter table app.users drop column locale;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
