"""Tokens that change their name and unit: history goes on in today's unit, raw candles and past beliefs stay."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors
from psycopg.types.json import Jsonb

from coinsphere.cli.main import cli
from coinsphere.market import prices
from coinsphere.market.candles import reused_tickers
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.reference import asset_events
from coinsphere.market.reference.asset_events import EventKind, InvalidEvent, NewEvent
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from webapi.tokens import history

MIGRATED = datetime(2024, 9, 4, tzinfo=UTC)
REDENOMINATED = datetime(2024, 9, 10, tzinfo=UTC)
_CANDLE = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    values (%s, '1d', %s, %s, %s, %s, %s, %s, 'kraken', true, %s)
"""


def candle(owner, token_id, day, price, volume=1000):
    opened = datetime.combine(day, datetime.min.time(), UTC)
    price = Decimal(str(price))
    owner.execute(
        _CANDLE,
        [token_id, opened, price, price * 2, price / 2, price, volume, opened + timedelta(days=1)],
    )


@pytest.fixture
def api(database):
    with psycopg.connect(database.api, autocommit=True, options="-c timezone=UTC") as conn:
        yield conn


@pytest.fixture
def ids(owner):
    return dict(owner.execute("select symbol, id from market.tokens").fetchall())


@pytest.fixture
def across(owner, ids):
    """MATIC to 3 September, POL from the 6th; Pepe 1000:1 on the 10th."""
    for number, day in enumerate((date(2024, 9, 1), date(2024, 9, 2), date(2024, 9, 3))):
        candle(owner, ids["MATIC"], day, f"0.4{number}")
    candle(owner, ids["POL"], date(2024, 9, 6), "0.45")
    candle(owner, ids["PEPE"], date(2024, 9, 9), "0.000008", 5_000_000)
    candle(owner, ids["PEPE"], date(2024, 9, 10), "0.0081", 5_100)
    event = NewEvent(
        EventKind.REDENOMINATION, ids["PEPE"], REDENOMINATED, "a test", None, Decimal(1000)
    )
    return asset_events.add(owner, event, "tester")


def closes(conn, token_id, as_of=None):
    found = history.points(conn, token_id, None, as_of, may_be_finer=False)
    return [(point.opened_at.day, point.close, point.volume) for point in found]


@pytest.mark.usefixtures("across")
def test_history_goes_on_in_the_unit_of_today(api, ids):
    assert closes(api, ids["POL"]) == [
        (1, Decimal("0.40"), 1000), (2, Decimal("0.41"), 1000), (3, Decimal("0.42"), 1000),
        (6, Decimal("0.45"), 1000),
    ]  # fmt: skip
    # 1,000 old became one new: the price a thousandfold, the volume a thousandth. What came stays as it came.
    assert closes(api, ids["PEPE"]) == [
        (9, Decimal("0.008"), 5_000),
        (10, Decimal("0.0081"), 5_100),
    ]
    raw = api.execute(
        "select close from market.price_data where token_id = %s order by opened_at", [ids["PEPE"]]
    )
    assert [close for (close,) in raw] == [Decimal("0.000008"), Decimal("0.0081")]
    assert [day for day, _, _ in closes(api, ids["MATIC"])] == [1, 2, 3]


def _executions(plan, function):
    """How often each scan of a function ran, of a plan and all below it."""
    own = [plan["Actual Loops"]] if plan.get("Function Name") == function else []
    return own + [count for part in plan.get("Plans", []) for count in _executions(part, function)]


@pytest.mark.usefixtures("across")
@pytest.mark.parametrize(("symbol", "lines"), [("BTC", 0), ("PEPE", 1)])
def test_candles_of_a_token_are_read_without_those_of_others(owner, api, ids, symbol, lines):
    """Several tokens have a line here; who asks for one token reads its own line at most."""
    candle(owner, ids["BTC"], date(2024, 9, 1), 60_000)
    (plan,) = api.execute(
        "explain (analyze, format json) select from market.adjusted_candles where token_id = %s",
        [ids[symbol]],
    ).fetchone()
    assert sum(_executions(plan[0]["Plan"], "candles_in_line")) == lines


def test_what_was_known_of_an_event_is_known_of_its_time(across, api, owner, ids):
    before = owner.execute(
        "select recorded_at - interval '1 us' from market.asset_events where id = %s", [across]
    )
    (before,) = before.fetchone()
    assert [close for _, close, _ in closes(api, ids["PEPE"], before)] == [
        Decimal("0.000008"),
        Decimal("0.0081"),
    ]
    asset_events.remove(owner, across, "tester", "another coin")
    (after,) = owner.execute("select clock_timestamp()").fetchone()
    assert closes(api, ids["PEPE"], after)[0][1] == Decimal("0.000008")
    (between,) = owner.execute(
        "select removed_at - interval '1 us' from market.asset_events where id = %s", [across]
    ).fetchone()
    assert closes(api, ids["PEPE"], between)[0][1] == Decimal("0.008")


def test_chains_of_events_multiply(owner, api, ids):
    """FTM became S one for one, and S is split 1:100 later: an old FTM counts a hundred of today's."""
    candle(owner, ids["FTM"], date(2024, 12, 17), "100")
    candle(owner, ids["S"], date(2025, 3, 1), "110")
    candle(owner, ids["S"], date(2025, 4, 1), "1.2")
    split = NewEvent(
        EventKind.REDENOMINATION,
        ids["S"],
        datetime(2025, 4, 1, tzinfo=UTC),
        "a test",
        new_units=Decimal(100),
    )
    asset_events.add(owner, split, "tester")
    assert [close for _, close, _ in closes(api, ids["S"])] == [1, Decimal("1.1"), Decimal("1.2")]
    line = api.execute(
        "select close from market.adjusted_candles where token_id = %s order by opened_at",
        [ids["S"]],
    )
    assert [close for (close,) in line] == [1, Decimal("1.1"), Decimal("1.2")]


@pytest.mark.parametrize(
    ("words", "at", "wrong"),
    [
        (("redenomination", None, "1:1"), REDENOMINATED, "changes the unit"),
        (("redenomination", None, "1000:1"), REDENOMINATED + timedelta(hours=3), "midnight"),
        (("redenomination", "POL", "1000:1"), REDENOMINATED, "of one token"),
        (("swap", None, "1:1"), MIGRATED, "names the other token"),
        (("swap", "BTC", "1:1"), MIGRATED, "the token itself"),
        (("delisting", None, "1:2"), MIGRATED, "has no ratio"),
    ],
)
def test_an_event_that_contradicts_itself_is_refused(api, ids, words, at, wrong):
    kind, successor, ratio = words
    other = ids[successor] if successor else None
    event = NewEvent(EventKind(kind), ids["BTC"], at, "a test", other, *asset_events.ratio(ratio))
    with pytest.raises(InvalidEvent, match=wrong):
        asset_events.add(api, event, "tester")


def test_events_make_no_circle(api, ids):
    back = NewEvent(EventKind.SWAP, ids["POL"], REDENOMINATED, "a test", ids["MATIC"])
    with pytest.raises(InvalidEvent, match="became this one"):
        asset_events.add(api, back, "tester")


def test_a_token_has_one_successor_until_that_is_removed(pipeline, ids):
    again = NewEvent(EventKind.SWAP, ids["MATIC"], MIGRATED, "a test", ids["SKY"])
    with pytest.raises(InvalidEvent, match="remove that event first"):
        asset_events.add(pipeline, again, "tester")
    (seeded,) = asset_events.listed(pipeline, token_id=ids["MATIC"])
    assert (seeded.successor_symbol, str(seeded.ratio), seeded.recorded_by) == (
        "POL",
        "1:1",
        "seed",
    )
    assert asset_events.remove(pipeline, seeded.id, "tester", "a test") is not None
    assert asset_events.remove(pipeline, seeded.id, "tester", "a test") is None
    asset_events.add(pipeline, again, "tester")
    states = [
        event.removed_at is None
        for event in asset_events.listed(pipeline, token_id=ids["MATIC"], past=True)
    ]
    assert sorted(states) == [False, True]


@pytest.mark.parametrize("statement", [
    "delete from market.asset_events",
    "update market.asset_events set reason = 'other'",
])  # fmt: skip
def test_nobody_rewrites_an_event(pipeline, owner, statement):
    with pytest.raises(errors.InsufficientPrivilege), pipeline.transaction():
        pipeline.execute(statement)
    if statement.startswith("update"):
        with pytest.raises(errors.RestrictViolation):
            owner.execute(statement)


def test_the_commands_list_add_and_remove(database):
    variables = {
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline,
        "COLUMNS": "250",
    }

    def run(*words):
        return CliRunner().invoke(cli, ["market", "events", *words], env=variables)

    assert "1:24000" in run("list", "SKY").output
    given = ("SHIB", "--ratio", "1000:1", "--at", "2026-01-01", "--reason", "a test")
    done = run("add", "redenomination", *given)
    assert done.exit_code == 0, done.output
    number = done.output.split()[2].rstrip(";")
    assert "not applied yet" in run("list", "SHIB").output
    assert "already" in run("add", "redenomination", *given).output
    assert (
        "no ratio"
        in run(
            "add", "redenomination", "SHIB", "--ratio", "x", "--at", "2026-01-01", "--reason", "abc"
        ).output
    )
    assert "3 to 500 characters" in run("remove", number, "--reason", " a ").output
    assert run("remove", number, "--reason", "was wrong").exit_code == 0
    assert "removed by operator" in run("list", "SHIB", "--past").output
    assert run("remove", number, "--reason", "was wrong").exit_code == 1


def agreed(owner, token_id, at, price):
    said = {
        "venue": "kraken",
        "currency": "USD",
        "quoted": str(price),
        "price": str(price),
        "age": 1,
        "noise": "1",
    }
    said |= {"observed_at": at.isoformat(), "unchanged_since": at.isoformat(), "weight": "1"}
    owner.execute(
        "insert into market.consensus (token_id, valid_at, price, confidence, agreed_at, state, venues, usual_move,"
        " method, constituents) values (%s, %s, %s, %s, %s, 'single', 1, 0, 1, %s)",
        [token_id, at, price, Decimal(price) / 100, at, Jsonb([said])],
    )


def test_a_price_of_before_is_of_todays_unit_and_name(across, api, owner, ids):
    hour = timedelta(hours=1)
    at = lambda symbol, moment, as_of=None: prices.at(api, ids[symbol], moment, as_of)  # noqa: E731
    # Of candles: POL before it had any is MATIC; Pepe of the day before its new unit counts a thousandfold.
    assert at("POL", MIGRATED).price == Decimal("0.42")
    assert at("PEPE", REDENOMINATED + hour).price == Decimal("0.008")
    agreed(owner, ids["PEPE"], REDENOMINATED - hour, "0.0000085")
    agreed(owner, ids["MATIC"], MIGRATED, "0.421")
    agreed(owner, ids["POL"], MIGRATED + hour, "0.43")
    # Of what venues agreed on, also across the instant of the change; what they quoted stays as it was.
    for moment in (REDENOMINATED - hour, REDENOMINATED + hour):
        found = at("PEPE", moment)
        (part,) = found.constituents
        assert (found.made_of, found.price, found.confidence) == (
            "consensus", Decimal("0.0085"), Decimal("0.000085"),
        )  # fmt: skip
        assert (part.price, part.quote.price) == (Decimal("0.0085"), Decimal("0.0000085"))
    assert at("MATIC", MIGRATED).price == at("POL", MIGRATED).price == Decimal("0.421")
    # As soon as POL has a price of its own it counts, though its first candle is of two days later.
    assert at("POL", MIGRATED + hour).price == Decimal("0.43")
    asset_events.remove(owner, across, "tester", "another coin")
    assert at("PEPE", REDENOMINATED - hour).price == Decimal("0.0000085")


def test_several_tokens_become_one(api, owner, ids):
    """ARB 1:2 and OP 1:3 merge into LDO, at one instant: its history before is that of the first that was recorded."""
    for symbol, price in (("ARB", "0.8"), ("OP", "1.5")):
        candle(owner, ids[symbol], date(2024, 9, 1), price)
    candle(owner, ids["LDO"], date(2024, 9, 5), "0.41")
    for symbol, new in (("ARB", 2), ("OP", 3)):
        swap = NewEvent(
            EventKind.SWAP, ids[symbol], MIGRATED, "a test", ids["LDO"], new_units=Decimal(new)
        )
        asset_events.add(owner, swap, "tester")
    assert [close for _, close, _ in closes(api, ids["LDO"])] == [Decimal("0.4"), Decimal("0.41")]
    assert StoredMarket(api).close(ids["LDO"], date(2024, 9, 2)) == Decimal("0.4")


def test_a_symbol_that_another_coin_has_since_brings_neither_the_others_candles(
    pipeline, owner, api, ids
):
    """LDO's symbol is ARB's from noon of the fourth on: each source that goes by symbols is read accordingly."""
    owner.execute("insert into market.origin (source) values ('live')")
    reused = MIGRATED + timedelta(hours=12)
    event = NewEvent(EventKind.TICKER_REUSE, ids["LDO"], reused, "a test", ids["ARB"])
    asset_events.add(owner, event, "tester")
    told = []

    def row(symbol, day, source="kraken"):
        opened = MIGRATED + timedelta(days=day)
        numbers = [Decimal(day + 5)] * 4
        return Candle(
            ids[symbol],
            Interval.DAY,
            opened,
            *numbers,
            None,
            source,
            is_final=True,
            observed_at=opened,
        )

    rows = [row(symbol, day) for symbol in ("LDO", "ARB") for day in (-1, 0, 1)]
    rows += [row("LDO", 2, "coingecko"), row("ARB", -2, "coingecko")]
    loaded = candle_store.load(
        pipeline, rows, on_reject=lambda each, fault: told.append((each, fault))
    )
    assert (loaded.written, loaded.quarantined) == (4, 4)
    assert {fault for _, fault in told} == {reused_tickers.OTHER_COIN}
    # The day in which the symbol changed hands is neither's; what comes by id is not judged by the symbol.
    assert [close for _, close, _ in closes(api, ids["LDO"])] == [4, 7]
    assert [close for _, close, _ in closes(api, ids["ARB"])] == [3, 6]
    waiting = owner.execute("select count(*) from market.quarantine where resolved_at is null")
    assert waiting.fetchone() == (4,)
    asset_events.remove(
        owner, asset_events.listed(owner, token_id=ids["ARB"])[0].id, "tester", "it did not"
    )
    assert candle_store.load(pipeline, rows[:6]).written == 4
