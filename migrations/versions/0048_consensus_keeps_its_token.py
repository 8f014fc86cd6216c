"""What venues agreed on is a record of what was believed, as candles are: it keeps its token, and never goes with it."""

from alembic import op

revision = "0048"
down_revision = "0047"

_AGAIN = """
alter table market.consensus drop constraint consensus_token_id_fkey;
alter table market.consensus add constraint consensus_token_id_fkey
    foreign key (token_id) references market.tokens{rule};
"""


def upgrade() -> None:
    op.execute(_AGAIN.format(rule=""))


def downgrade() -> None:
    op.execute(_AGAIN.format(rule=" on delete cascade"))
