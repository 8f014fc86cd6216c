"""Keep all six parts of a risk score.

The fall from the peak and the loss on the worst days are 45 % of a score, and what explains it named only the other four.
"""

from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    op.execute("""
        alter table market.risk_scores
            add column drawdown_score numeric(38, 18) check (drawdown_score between 0 and 100),
            add column tail_score numeric(38, 18) check (tail_score between 0 and 100)
    """)


def downgrade() -> None:
    op.execute("alter table market.risk_scores drop column drawdown_score, drop column tail_score")
