"""The newest trades are read in their order: of a portfolio and of a person, however many are behind."""

from alembic import op

revision = "0106"
down_revision = "0108"


def upgrade() -> None:
    # Taken for independent, a portfolio and its owner leave a few trades of a thousand, which it seems cheap to read all and sort.
    op.execute("""
        create statistics app.transactions_owner (dependencies) on portfolio_id, user_id from app.transactions;
        create index transactions_newest on app.transactions (user_id, occurred_at desc, fact_id desc)
            where superseded_at is null;
        analyze app.transactions;
    """)


def downgrade() -> None:
    op.execute("""
        drop index app.transactions_newest;
        drop statistics app.transactions_owner;
    """)
