"""Tell the stream process when quotes or firings arrive."""

from alembic import op

revision = "0012"
down_revision = "0011"

UP = """
-- The payload is empty: the listener reads what is new, so that a lost notification loses nothing.
create function market.announce() returns trigger language plpgsql as $$
begin
    perform pg_notify('coinsphere', tg_argv[0]);
    return null;
end $$;

create trigger quotes_announce after insert or update on market.quotes
    for each statement execute function market.announce('quotes');
create trigger alert_events_announce after insert on app.alert_events
    for each statement execute function market.announce('alerts');
create index quotes_ingested_at on market.quotes (ingested_at);
create index alert_events_fired_at on app.alert_events (fired_at);
"""

DOWN = """
drop index app.alert_events_fired_at;
drop index market.quotes_ingested_at;
drop trigger alert_events_announce on app.alert_events;
drop trigger quotes_announce on market.quotes;
drop function market.announce;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
