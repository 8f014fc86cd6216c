"""Faults of the market's data are found by the day on which they were found."""

from alembic import op

revision = "0055"
down_revision = "0054"

UP = """
create index price_revisions_believed_until on market.price_revisions (believed_until);
create index quarantine_quarantined_at on market.quarantine (quarantined_at);
create index set_aside_since on market.set_aside (since);
"""

DOWN = """
drop index market.price_revisions_believed_until, market.quarantine_quarantined_at, market.set_aside_since;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
