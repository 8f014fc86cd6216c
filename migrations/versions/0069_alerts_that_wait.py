"""Find the alerts whose threshold a value has passed by an index, and others for what grew with all users."""

from alembic import op

revision = "0069"
down_revision = "0071"

UP = """
alter table app.alert_observations add column value numeric(38, 18);
comment on column app.alert_observations.value is 'What they were compared with; null before there was this column';
-- Each minute writes its rows, and few of the alerts: free room is wanted here and no longer there.
alter table app.alert_observations set (fillfactor = 50);
alter table app.alerts reset (fillfactor);

create index alerts_waiting on app.alerts
    (alert_type, coalesce(token_id, portfolio_id), sign(last_value - threshold), threshold)
    where is_active and is_armed;
create index alerts_disarmed on app.alerts (alert_type, coalesce(token_id, portfolio_id)) where is_active and not is_armed;

-- How many transactions a user has was read from the states of all users.
create index portfolio_states_user_id on app.portfolio_states (user_id);

-- "The first mark of a user" walked all marks by their ids where nobody had analyzed them since the night's were set.
create index valuation_marks_next on app.valuation_marks (user_id, id);
create index booking_marks_next on app.booking_marks (user_id, id);
drop index app.valuation_marks_user_id;
drop index app.booking_marks_user_id;
"""
DOWN = """
create index booking_marks_user_id on app.booking_marks (user_id);
create index valuation_marks_user_id on app.valuation_marks (user_id);
drop index app.booking_marks_next;
drop index app.valuation_marks_next;
drop index app.portfolio_states_user_id;
drop index app.alerts_disarmed;
drop index app.alerts_waiting;
alter table app.alerts set (fillfactor = 50);
alter table app.alert_observations reset (fillfactor);
alter table app.alert_observations drop column value;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
