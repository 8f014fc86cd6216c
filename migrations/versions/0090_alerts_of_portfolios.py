"""Find the alerts of portfolios without reading those of tokens."""

from alembic import op

revision = "0090"
down_revision = "0087"

UP = """
create index alerts_of_portfolios on app.alerts (alert_type, portfolio_id) include (id, threshold, last_value, is_armed)
    where is_active and portfolio_id is not null;
"""
DOWN = "drop index app.alerts_of_portfolios"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
