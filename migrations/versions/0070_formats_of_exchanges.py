"""Files of eleven more exchanges, wallets and programs can be brought in."""

from alembic import op

revision = "0070"
down_revision = "0067"

_CONSTRAINT = "import_batches_format_check"
_BEFORE = "'coinsphere', 'coinbase', 'kraken', 'binance', 'koinly', 'generic'"
_MORE = """
    'bitstamp', 'bitfinex_trades', 'bitfinex_movements', 'crypto_com_app', 'crypto_com_exchange', 'gemini', 'kucoin_trades',
    'kucoin_deposits', 'kucoin_withdrawals', 'okx_trading', 'okx_funding', 'bybit_unified', 'bybit_funding', 'ledger_live',
    'cointracking', 'ghostfolio', 'rotki'
"""


def _check(formats: str) -> None:
    op.execute(f"alter table app.import_batches drop constraint {_CONSTRAINT}")
    op.execute(
        f"alter table app.import_batches add constraint {_CONSTRAINT} check (format in ({formats}))"
    )


def upgrade() -> None:
    _check(f"{_BEFORE}, {_MORE}")


def downgrade() -> None:
    op.execute(f"delete from app.import_batches where format not in ({_BEFORE})")
    _check(_BEFORE)
