"""BTCPay Server is a provider of payments, too."""

from alembic import op

revision = "0075"
down_revision = "0079"

TABLES = ("billing_customers", "subscriptions", "payment_events")


def upgrade() -> None:
    _allow("array['stripe', 'btcpay']")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"delete from app.{table} where provider <> 'stripe'")
    _allow("array['stripe']")


def _allow(providers: str) -> None:
    for table in TABLES:
        op.execute(f"""
            alter table app.{table} drop constraint {table}_provider_check,
                add constraint {table}_provider_check check (provider = any ({providers}))
        """)
