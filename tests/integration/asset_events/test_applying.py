"""What the worker does about an event, in its own role: listings, alerts with a word to their owners, and books."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from coinsphere.asset_events import applying
from coinsphere.clock import utc_now
from coinsphere.market.reference import asset_events
from coinsphere.market.reference.asset_events import EventKind, NewEvent
from coinsphere.portfolio import recording
from coinsphere.portfolio.jobs import recompute
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import Kind

AT = datetime(2026, 2, 10, tzinfo=UTC)


@pytest.fixture
def worker(database):
    options = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
    with psycopg.connect(database.worker, autocommit=True, options=options) as conn:
        yield conn


@pytest.fixture
def ids(owner, worker):
    owner.execute(
        "update market.asset_events set removed_at = now(), removed_by = 'x', removal_reason = 'a test', applied_at = now()"
    )
    owner.execute("update market.tokens set is_active = true")
    return dict(owner.execute("select symbol, id from market.tokens").fetchall())


@pytest.fixture
def user(owner):
    return owner.execute(
        "insert into app.users (email, password_hash, email_verified, locale) values ('ada@example.com', 'x', true, 'en') returning id"
    ).fetchone()[0]


@pytest.fixture
def alert(owner, user, ids):
    def make(symbol, threshold, alert_type="price", since=AT - timedelta(days=1)):
        return owner.execute(
            "insert into app.alerts (user_id, alert_type, token_id, condition, threshold, hysteresis, last_value, updated_at)"
            " values (%s, %s, %s, 'above', %s, 0.01, 0.3, %s) returning id",
            [user, alert_type, ids[symbol], threshold, since],
        ).fetchone()[0]

    return make


def happen(conn, ids, kind, symbol, *, ratio="1:1", heir=None):
    other = ids[heir] if heir else None
    new = NewEvent(EventKind(kind), ids[symbol], AT, "a test", other, *asset_events.ratio(ratio))
    return asset_events.add(conn, new, "tester")


def alerts(owner):
    return {
        number: (symbol, threshold, hysteresis, last, is_active)
        for number, symbol, threshold, hysteresis, last, is_active in owner.execute(
            "select a.id, t.symbol, threshold, hysteresis, last_value, a.is_active"
            " from app.alerts a join market.tokens t on t.id = a.token_id"
        )
    }


def mails(owner):
    return owner.execute("select subject, body_text from app.mails order by subject").fetchall()


def listed(owner, *symbols):
    rows = owner.execute("select symbol, is_active from market.tokens").fetchall()
    return [dict(rows)[symbol] for symbol in symbols]


def test_alerts_follow_a_swap_in_its_ratio(worker, pipeline, owner, ids, alert):
    price, risk = alert("MKR", 2400), alert("MKR", 80, "risk")
    dust = alert("MKR", "0.000000000000000100")
    happen(pipeline, ids, "swap", "MKR", ratio="1:24000", heir="SKY")
    assert applying.apply_due(worker, utc_now()) == 1
    assert applying.apply_due(worker, utc_now()) == 0
    found = alerts(owner)
    assert found[price] == ("SKY", Decimal("0.1"), Decimal("0.000000416666666667"), None, True)
    assert found[risk] == ("SKY", 80, Decimal("0.01"), Decimal("0.3"), True)
    # A threshold that the new unit cannot express stops the alert, and stays as it was.
    assert (found[dust][1], found[dust][4]) == (Decimal("1e-16"), False)
    (name, name_text), (stopped, _) = mails(owner)
    assert name == "MKR has a new name or unit: SKY"
    assert "2,400" in name_text
    assert "0.1" in name_text
    assert stopped == "Your alerts on MKR were stopped"
    assert listed(owner, "MKR", "SKY") == [False, True]


def test_a_redenomination_converts_what_was_set_before_it(worker, pipeline, owner, ids, alert):
    old, new = alert("PEPE", "0.00001"), alert("PEPE", "0.01", since=AT + timedelta(days=1))
    volume = alert("PEPE", 5000, "volume")
    happen(pipeline, ids, "redenomination", "PEPE", ratio="1000:1")
    applying.apply_due(worker, utc_now())
    thresholds = {number: row[1] for number, row in alerts(owner).items()}
    assert thresholds == {old: Decimal("0.01"), new: Decimal("0.01"), volume: 5000}
    assert listed(owner, "PEPE") == [True]


def test_a_delisted_token_stops_alerts_and_comes_back(worker, pipeline, owner, ids, alert):
    number = alert("LDO", 2)
    gone = happen(pipeline, ids, "delisting", "LDO")
    applying.apply_due(worker, utc_now())
    assert alerts(owner)[number][4] is False
    assert [subject for subject, _ in mails(owner)] == ["Your alerts on LDO were stopped"]
    assert listed(owner, "LDO") == [False]
    asset_events.remove(pipeline, gone, "tester", "it was not")
    applying.apply_due(worker, utc_now())
    assert listed(owner, "LDO") == [True]


def test_an_event_that_lies_ahead_waits(worker, pipeline, owner, ids):
    ahead = utc_now() + timedelta(days=30)
    new = NewEvent(EventKind.SWAP, ids["MATIC"], ahead, "announced", ids["POL"])
    asset_events.add(pipeline, new, "tester")
    assert applying.apply_due(worker, utc_now()) == 0
    assert listed(owner, "MATIC") == [True]
    assert applying.apply_due(worker, ahead) == 1
    assert listed(owner, "MATIC") == [False]


def test_books_follow_the_event_and_its_removal(worker, pipeline, owner, ids, user):
    (portfolio,) = owner.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'Main') returning id", [user]
    ).fetchone()
    bought = NewFact(
        portfolio, Kind.BUY, ids["MATIC"], Decimal(10), AT - timedelta(days=5), Decimal("0.4")
    )
    with worker.transaction():
        recording.record(worker, user, [bought], utc_now())

    def held():
        applying.apply_due(worker, utc_now())
        recompute.update(worker, user, utc_now())
        rows = owner.execute(
            "select t.symbol, h.amount, h.average_buy_price from app.holdings h join market.tokens t on t.id = h.token_id"
        )
        return rows.fetchall()

    assert held() == [("MATIC", 10, Decimal("0.4"))]
    event = happen(pipeline, ids, "swap", "MATIC", ratio="1:2", heir="POL")
    assert held() == [("POL", 20, Decimal("0.2"))]
    (jobs,) = owner.execute(
        "select count(*) from jobs.procrastinate_jobs where task_name = 'update_portfolios' and args ->> 'user_id' = %s",
        [str(user)],
    ).fetchone()
    assert jobs >= 1
    asset_events.remove(pipeline, event, "tester", "another coin")
    assert held() == [("MATIC", 10, Decimal("0.4"))]


def test_what_came_by_a_symbol_of_two_coins_leaves_the_histories_of_both(worker, owner, ids):
    """INJ's symbol is UNI's from the 10th on; what was stored before anybody knew goes into the quarantine, as it came."""
    owner.execute("insert into market.origin (source) values ('live')")
    owner.execute(
        "insert into market.price_data (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)"
        " select t, i, d, 5, 6, 4, 5, s, true, d from unnest(%s::uuid[]) t, generate_series(%s::timestamptz, %s, '12 hours') d,"
        " (values ('1h', 'kraken'), ('1d', 'coingecko')) as v (i, s)",
        [[ids["INJ"], ids["UNI"]], AT - timedelta(days=1), AT + timedelta(days=1)],
    )
    happen(owner, ids, "ticker_reuse", "INJ", heir="UNI")
    assert applying.apply_due(worker, utc_now()) == 1
    left = owner.execute(
        "select t.symbol, array_agg(p.opened_at - %s order by p.opened_at) from market.price_data p"
        " join market.tokens t on t.id = p.token_id where p.interval = '1h' group by 1 order by 1",
        [AT],
    ).fetchall()
    half = timedelta(hours=12)
    assert left == [("INJ", [-2 * half, -half]), ("UNI", [0 * half, half, 2 * half])]
    assert owner.execute(
        "select count(*) from market.price_data where interval = '1d'"
    ).fetchone() == (10,)
    kept = owner.execute(
        "select count(*), min(payload ->> 'close')::numeric, min(resolution), min(resolved_by) from market.quarantine"
    )
    assert kept.fetchone() == (5, 5, "rejected", "tester")
    # What was believed before is still told of its time.
    revised = owner.execute("select count(*) from market.price_revisions where reason = 'removed'")
    assert revised.fetchone() == (5,)
