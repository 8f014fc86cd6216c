"""Who told what lies in a protocol, and why the last look brought nothing."""

from alembic import op

revision = "0037"
down_revision = "0036"

UP = """
alter table app.defi_protocols add column source text, add column untold text;
update app.defi_protocols set source = 'defillama' where tvl is not null;
alter table app.defi_protocols add constraint defi_protocols_source check ((source is null) = (tvl is null));
comment on column app.defi_protocols.source is 'Who told value and yields: defillama, or simulated with the market';
comment on column app.defi_protocols.untold is 'Why the last look brought no value; null where it did';
"""

DOWN = """
alter table app.defi_protocols drop constraint defi_protocols_source;
alter table app.defi_protocols drop column source, drop column untold;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
