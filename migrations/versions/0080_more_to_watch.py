"""Alerts also watch how far a price fell, how it swings, how old it is, and whether a portfolio's books differ."""

from alembic import op

revision = "0080"
down_revision = "0073"

_BEFORE = "'price', 'percent_change', 'volume', 'prediction', 'risk', 'portfolio'"
_MORE = f"{_BEFORE}, 'volatility', 'drawdown', 'stale_data', 'reconciliation'"


def _constrain(types: str, of_portfolios: str) -> str:
    return f"""
        alter table app.alerts
            drop constraint alerts_alert_type_check, drop constraint alerts_check, drop constraint alerts_check1,
            add constraint alerts_alert_type_check check (alert_type in ({types})),
            add constraint alerts_check check ((alert_type in ({of_portfolios})) = (portfolio_id is not null)),
            add constraint alerts_check1 check ((alert_type in ({of_portfolios})) = (token_id is null));
        alter table app.alert_observations
            drop constraint alert_observations_alert_type_check,
            add constraint alert_observations_alert_type_check check (alert_type in ({types}));
    """


def upgrade() -> None:
    op.execute(_constrain(_MORE, "'portfolio', 'reconciliation'"))


def downgrade() -> None:
    op.execute(f"delete from app.alerts where alert_type not in ({_BEFORE})")
    op.execute(f"delete from app.alert_observations where alert_type not in ({_BEFORE})")
    op.execute(_constrain(_BEFORE, "'portfolio'"))
