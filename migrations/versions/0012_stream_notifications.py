"""Tell the stream process when quotes, firings or holdings change; room for the minutely update of alerts."""

from alembic import op

revision = "0012"
down_revision = "0011"

UP = """
-- The payload names the kind only: the listener reads what is new, so that a lost notification loses nothing.
create function market.announce() returns trigger language plpgsql as $$
begin
    perform pg_notify('coinsphere', tg_argv[0]);
    return null;
end $$;

create trigger quotes_announce after insert or update on market.quotes
    for each statement execute function market.announce('quotes');
create trigger alert_events_announce after insert on app.alert_events
    for each statement execute function market.announce('alerts');
create trigger holdings_announce after insert or update or delete on app.holdings
    for each statement execute function market.announce('portfolios');
create trigger portfolios_announce after insert or update or delete on app.portfolios
    for each statement execute function market.announce('portfolios');
create index alert_events_fired_at on app.alert_events (fired_at);

-- Every minute moves last_value of most alerts: with free room in the page no index entry is written.
alter table app.alerts set (fillfactor = 50);
create index predictions_target_at on model.predictions (target_at);
"""

DOWN = """
drop index model.predictions_target_at;
alter table app.alerts reset (fillfactor);
drop index app.alert_events_fired_at;
drop trigger portfolios_announce on app.portfolios;
drop trigger holdings_announce on app.holdings;
drop trigger alert_events_announce on app.alert_events;
drop trigger quotes_announce on market.quotes;
drop function market.announce;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
