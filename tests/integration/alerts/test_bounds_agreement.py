"""What fires of portfolios of which most are not valued is what fires where all are, for random prices and changes."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coinsphere.alerts import evaluation, repository
from coinsphere.alerts.rules import Condition

from .conftest import MAILS, STALE_AFTER, World, add_user
from .test_agreement import Model

_SYMBOLS = ("BTC", "ETH", "SOL")
_FACTORS = [Decimal(each) for each in ("1", "0.9", "1.1", "0.999999", "1.000001", "0.99", "1.01")]
_SET = "update app.holdings set amount = %s where portfolio_id = %s and token_id = %s"


@dataclass
class Step:
    """A minute: how each price moves, whether all are trusted, and what an owner does before it."""

    factors: tuple[Decimal, ...]
    is_good: bool
    held: tuple[int, int, int] | None
    toggled: int | None


_STEP = st.builds(
    Step,
    st.tuples(*[st.sampled_from(_FACTORS)] * 3),
    st.sampled_from([True, True, True, False]),
    st.none() | st.tuples(*[st.integers(0, 2)] * 3),
    st.none() | st.integers(0, 99),
)


class Portfolios:
    """Two portfolios with alerts around their value, each with the plain functions beside it."""

    def __init__(self, world: World, spreads, hysteresis) -> None:
        self.world = world
        self.prices = dict(zip(_SYMBOLS, (Decimal(100), Decimal(10), Decimal(1)), strict=True))
        self.held = {self._portfolio(str(number)): (1, 1, 1) for number in range(2)}
        self.models = {}
        for portfolio, condition, spread in product(self.held, Condition, spreads):
            self._alert(portfolio, condition, 111 * spread, hysteresis)

    def _portfolio(self, name):
        (portfolio,) = self.world.conn.execute(
            "insert into app.portfolios (user_id, name) values (%s, %s) returning id",
            [self.world.user, name],
        ).fetchone()
        for symbol in _SYMBOLS:
            self.world.conn.execute(
                "insert into app.holdings (portfolio_id, token_id, amount) values (%s, %s, 1)",
                [portfolio, self.world.token(symbol)],
            )
        return portfolio

    def _alert(self, portfolio, condition, threshold, hysteresis) -> None:
        options = {"portfolio_id": portfolio, "cooldown_seconds": 0, "hysteresis": hysteresis}
        alert = self.world.alert(condition, threshold, "portfolio", **options)
        self.models[alert] = portfolio, Model(condition, threshold, timedelta(), hysteresis)

    def step(self, step: Step) -> None:
        first, *_ = self.held
        if step.held is not None:
            for symbol, amount in zip(_SYMBOLS, step.held, strict=True):
                self.world.conn.execute(_SET, [amount, first, self.world.token(symbol)])
            self.held[first] = step.held
        if step.toggled is not None:
            self._restart(list(self.models)[step.toggled % len(self.models)])
        self.world.now += timedelta(minutes=1)
        for symbol, factor in zip(_SYMBOLS, step.factors, strict=True):
            self.prices[symbol] = round(self.prices[symbol] * factor, 18)
            self.world.quote(
                self.prices[symbol], symbol, quality="ok" if step.is_good else "suspect"
            )
        evaluation.evaluate(self.world.conn, self.world.now, STALE_AFTER, MAILS)
        if step.is_good:
            self._see()

    def _restart(self, alert) -> None:
        for _ in range(2):
            repository.toggle(self.world.conn, self.world.user, alert)
        _, model = self.models[alert]
        model.previous, model.is_armed = None, True

    def _see(self) -> None:
        for portfolio, model in self.models.values():
            amounts = self.held[portfolio]
            if any(amounts):
                value = sum(
                    amount * price
                    for amount, price in zip(amounts, self.prices.values(), strict=True)
                )
                model.see(value, self.world.now)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(_STEP, min_size=2, max_size=12),
    spreads=st.sets(
        st.sampled_from([Decimal(each) for each in ("0.9", "0.995", "1", "1.000001", "1.1", "3")]),
        min_size=1,
        max_size=2,
    ),
    hysteresis=st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal(3)]),
)
def test_what_fires_is_what_fires_where_all_are_valued(conn, steps, spreads, hysteresis):
    portfolios = Portfolios(World(conn, add_user(conn)), spreads, hysteresis)
    for step in steps:
        portfolios.step(step)
    fired = conn.execute("select alert_id, fired_at from app.alert_events").fetchall()
    stood = conn.execute(
        "select id, is_armed, sign(last_value - threshold) from app.alerts"
    ).fetchall()
    conn.rollback()
    models = {alert: model for alert, (_, model) in portfolios.models.items()}
    assert sorted(fired) == sorted(
        (alert, at) for alert, model in models.items() for at, _ in model.fired
    )
    assert sorted(stood) == sorted(
        (
            alert,
            model.is_armed,
            None
            if model.previous is None
            else (model.previous > model.threshold) - (model.previous < model.threshold),
        )
        for alert, model in models.items()
    )
