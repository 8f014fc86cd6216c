"""The set-based statement and the plain functions of `rules` say the same, for random sequences of values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coinsphere.alerts import evaluation, repository
from coinsphere.alerts.rules import Condition, is_cooled_down, is_met, is_rearmed

from .conftest import MAILS, NOW, STALE_AFTER, World, add_user

_TINY = Decimal("0.000000000000000001")
_PREVIOUS = "select alert_id, fired_at, previous_value from app.alert_events"
_VALUES = [Decimal(value) for value in (99, 100, 101)] + [100 - _TINY, 100 + _TINY]


@dataclass
class Model:
    """An alert as the plain functions see it."""

    condition: Condition
    threshold: Decimal
    cooldown: timedelta
    hysteresis: Decimal
    is_armed: bool = True
    previous: Decimal | None = None
    triggered_at: object = None
    count: int = 0
    fired: list[tuple[datetime, Decimal | None]] = field(default_factory=list)
    """When, and what the value was before."""

    def see(self, value, now) -> None:
        self.is_armed |= is_rearmed(self.condition, self.threshold, self.hysteresis, value)
        is_met_now = is_met(self.condition, self.threshold, self.previous, value)
        if is_met_now and self.is_armed and is_cooled_down(self.triggered_at, self.cooldown, now):
            self.is_armed = not self.hysteresis
            self.triggered_at, self.count = now, self.count + 1
            self.fired.append((now, self.previous))
        self.previous = value


_STEP = st.tuples(
    st.sampled_from(_VALUES),
    st.sampled_from(["ok", "ok", "ok", "suspect", "stale"]),
    st.integers(1, 200),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(_STEP, min_size=1, max_size=10),
    thresholds=st.sets(st.sampled_from(_VALUES), min_size=1, max_size=3),
    cooldowns=st.sets(st.integers(0, 400), min_size=1, max_size=2),
    hysteresis=st.sampled_from([Decimal(0), _TINY, Decimal(1), Decimal("1.5")]),
)
def test_the_statement_agrees_with_the_rules(conn, steps, thresholds, cooldowns, hysteresis):
    world = World(conn, add_user(conn))
    models = {}
    for condition, threshold, cooldown in product(Condition, thresholds, cooldowns):
        options = {"cooldown_seconds": cooldown, "hysteresis": hysteresis}
        alert = world.alert(condition, threshold, **options)
        models[alert] = Model(condition, threshold, timedelta(seconds=cooldown), hysteresis)
    for value, state, seconds in steps:
        world.now += timedelta(seconds=seconds)
        world.quote(
            value, quality="suspect" if state == "suspect" else "ok", age=300 * (state == "stale")
        )
        evaluation.evaluate(conn, world.now, STALE_AFTER, MAILS)
        if state == "ok":
            for model in models.values():
                model.see(value, world.now)
    found = {
        alert.id: (alert.trigger_count, alert.last_value, alert.last_triggered_at)
        for alert in repository.list_for(conn, world.user)
    }
    previous = conn.execute(_PREVIOUS).fetchall()
    events = dict(conn.execute("select alert_id, count(*) from app.alert_events group by 1"))
    conn.rollback()
    assert world.now > NOW
    assert found == {
        alert: (model.count, model.previous, model.triggered_at) for alert, model in models.items()
    }
    assert events == {alert: model.count for alert, model in models.items() if model.count}
    assert sorted(previous, key=str) == sorted(
        ((alert, *fired) for alert, model in models.items() for fired in model.fired), key=str
    )
