"""Which formats can be brought in is said in one place, the code: a new one needs no migration."""

from alembic import op

revision = "0079"
down_revision = "0069"

_BEFORE = """
    'coinsphere', 'coinbase', 'kraken', 'binance', 'koinly', 'generic', 'bitstamp', 'bitfinex_trades', 'bitfinex_movements',
    'crypto_com_app', 'crypto_com_exchange', 'gemini', 'kucoin_trades', 'kucoin_deposits', 'kucoin_withdrawals', 'okx_trading',
    'okx_funding', 'bybit_unified', 'bybit_funding', 'ledger_live', 'cointracking', 'ghostfolio', 'rotki'
"""
UP = """
alter table app.import_batches drop constraint import_batches_format_check;
alter table app.import_batches add constraint import_batches_format_check check (format ~ '^[a-z][a-z0-9_]{1,39}$');
"""
DOWN = f"""
delete from app.import_batches where format not in ({_BEFORE});
alter table app.import_batches drop constraint import_batches_format_check;
alter table app.import_batches add constraint import_batches_format_check check (format in ({_BEFORE}));
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
