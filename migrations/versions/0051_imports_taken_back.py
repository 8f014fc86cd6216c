"""An import may be taken back whole: what it brought counts no more, and comes again with the next file that tells it."""

from alembic import op

revision = "0051"
down_revision = "0050"

_CHECK = """
alter table app.import_batches drop constraint import_batches_status_check;
alter table app.import_batches add constraint import_batches_status_check check (status in ({states}));
"""
_BEFORE = "'previewed', 'queued', 'running', 'succeeded', 'failed'"


def upgrade() -> None:
    op.execute(_CHECK.format(states=f"{_BEFORE}, 'taken_back'"))


def downgrade() -> None:
    op.execute("update app.import_batches set status = 'failed' where status = 'taken_back'")
    op.execute(_CHECK.format(states=_BEFORE))
