"""The same account as a file and over the API, its pages cut anywhere: one ledger, whose balances are the exchange's."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coinsphere.exchanges.api import client as clients
from coinsphere.exchanges.model import Credentials, Known, LedgerAccount, Stream
from coinsphere.exchanges.sync.resolution import resolve
from coinsphere.exchanges.venues import binance as binance_venue
from coinsphere.exchanges.venues import binance_orders
from coinsphere.exchanges.venues import coinbase as coinbase_venue
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.row import Parsed
from coinsphere.portfolio.imports.statements import kraken as kraken_rows
from coinsphere.portfolio.imports.statements.record import MONEY, Record
from coinsphere.portfolio.ledger import double_entry
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import EXACT, Fact
from tests.fakes import exchange_binance, exchange_coinbase, exchange_kraken
from tests.fakes.exchange_binance import BinanceAccount
from tests.fakes.exchange_coinbase import CoinbaseAccount
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_server import ExchangeServer, serving

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
TOKENS = ("BTC", "ETH", "DOGE", "ADA", "SOL", "OP", "USDT", "BNB", "POL", "MATIC", "USDC")
KNOWN = {name: UUID(int=number) for number, name in enumerate(TOKENS, 1)}
NAMES = {token: name for name, token in KNOWN.items()}
EXAMPLES = settings(max_examples=25, deadline=None, phases=[Phase.generate])


class NoLimits:
    """No limits: the exchange is on this machine."""

    def __init__(self) -> None:
        self.rate = self.breaker = self

    def _pass(self, *_: object) -> None:
        pass

    take = admit = succeeded = failed = rest = _pass


@pytest.fixture(scope="module")
def server() -> Iterator[ExchangeServer]:
    with serving(KrakenAccount(), BinanceAccount(), CoinbaseAccount()) as running:
        yield running


@pytest.fixture(scope="module")
def opened(server: ExchangeServer) -> Iterator[Callable[[Any], clients.Client]]:
    """A client of an account, one for each exchange, over HTTP and with ccxt."""
    made: dict[str, clients.Client] = {}
    numbers = iter(range(1, 10**12))

    def opened_for(account: Any) -> clients.Client:
        server.dialects[account.name] = account
        if account.name not in made:
            limits = NoLimits()
            secret = Credentials(account.key, account.secret)
            made[account.name] = clients.connect(
                account.name, secret, limits, lambda: next(numbers), base_url=server.url, sleep=lambda _: None
            )  # fmt: skip
        return made[account.name]

    yield opened_for
    for client in made.values():
        client.close()


def drained(stream: Stream, position: Any, now: datetime) -> tuple[list[Record], Any]:
    made: list[Record] = []
    for _ in range(500):
        page = stream.page(position, now)
        assert not page.unread
        made += page.records
        position = page.position
        if page.is_last:
            return made, position
    raise AssertionError("the stream does not end")


def by_api(
    client: clients.Client, exchange: str, assets: set[str], syncs: int = 1
) -> list[NewFact]:
    """The facts of some syncs; a record that is known is not booked again, as the database has it."""
    booked: dict[str, Record] = {}
    positions: dict[str, Any] = {}
    for number in range(syncs):
        now = NOW + timedelta(hours=number)
        for stream in VENUES[exchange].streams(client, Known(assets)):
            made, positions[stream.name] = drained(stream, positions.get(stream.name, {}), now)
            for record in made:
                booked.setdefault(record.native_id, record)
    account = LedgerAccount(UUID(int=99), exchange, None, exchange)
    facts, unbooked = resolve(booked.values(), account, KNOWN, NOW + timedelta(days=1))
    assert unbooked == []
    return facts


def by_file(text: str, form: str) -> list[NewFact]:
    found = files.read(text, form)
    assert found.problems == []
    return [_new(each) for _, each in found.parsed]


def _new(each: Parsed) -> NewFact:
    return NewFact(
        UUID(int=99), each.kind, KNOWN[each.symbol], each.amount, each.occurred_at, each.price, each.currency, each.fee,
        KNOWN.get(each.fee_symbol or ""), KNOWN.get(each.counter_symbol or ""), each.counter_amount,
        each.exchange, None, None, "import", each.external_id,
    )  # fmt: skip


def lines(facts: list[NewFact], *, named: bool) -> list[tuple[Any, ...]]:
    """What is booked, in an order of its own."""
    made = [
        (
            each.external_id if named else "", each.kind, NAMES[each.token_id], each.amount, each.currency,
            each.fee or Decimal(0), NAMES.get(each.fee_token_id), NAMES.get(each.counter_token_id),
            each.counter_amount, each.price, each.occurred_at,
        )
        for each in facts
    ]  # fmt: skip
    return sorted(made, key=str)


def held(facts: list[NewFact]) -> dict[str, Decimal]:
    """The holdings by double entry."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with localcontext(EXACT):
        for number, new in enumerate(facts):
            fact: Fact = new.fact(UUID(int=1000 + number))
            for posting in double_entry.postings(fact):
                if posting.account is double_entry.Account.HOLDING and posting.token_id:
                    sums[NAMES[posting.token_id]] += posting.amount
    return {asset: total.normalize() for asset, total in sums.items() if total}


def summed(changes: list[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """The exchange's own balances."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for asset, change in changes:
        if asset not in MONEY:
            sums[asset] += change
    return {asset: total.normalize() for asset, total in sums.items() if total}


amounts = st.integers(1, 10**6).map(lambda number: Decimal(number).scaleb(-4))
fees = st.integers(0, 9).map(lambda number: Decimal(number).scaleb(-6))
seeds = st.integers(0, 2**32)


# Kraken


@st.composite
def kraken_events(draw: st.DrawFn) -> list[tuple[str, str, str, Decimal, Decimal]]:
    """Rows of one event: type, subtype, asset, amount, fee."""
    one, two, fee, other = draw(amounts), draw(amounts), draw(fees), draw(fees)
    zero = Decimal(0)
    return draw(
        st.sampled_from([
            [("deposit", "", "XXBT", one, fee)],
            [("withdrawal", "", "XETH", -one, fee)],
            [("withdrawal", "", "XXDG", -one, fee), ("withdrawal", "", "XXDG", one, -fee)],
            [("trade", "", "ZEUR", -one, fee), ("trade", "", "XXBT", two, other)],
            [("trade", "", "XXBT", -one, fee), ("trade", "", "XETH", two, other), ("trade", "", "KFEE", zero, one)],
            [("trade", "", "SOL", -one, zero), ("trade", "", "ZEUR", two, -fee)],
            [("spend", "dustsweeping", "ADA", -one, zero), ("spend", "dustsweeping", "XXDG", -two, zero),
             ("receive", "dustsweeping", "USDT", one, fee)],
            [("spend", "", "ZEUR", -one, fee), ("receive", "", "ADA", one, other), ("receive", "", "XETH", two, zero)],
            [("earn", "autoallocation", "XETH", -one, zero), ("earn", "autoallocation", "ETH.F", one, zero)],
            [("earn", "migration", "MATIC04.S", -one, zero), ("earn", "migration", "POL.B", two, zero)],
            [("transfer", "", "ADA", -one, zero), ("transfer", "", "ADA.S", one, zero)],
            [("earn", "reward", "SOL03.S", one, fee)],
            [("staking", "", "ETH2.S", one, fee)],
            [("transfer", "", "OP", one, zero)],
            [("rollover", "", "XETH", zero, fee)],
        ])
    )  # fmt: skip


@EXAMPLES
@given(st.lists(kraken_events(), max_size=12), st.integers(2, 9), seeds)
def test_kraken(opened, events, page, seed) -> None:
    order = Random(seed)
    rows: dict[str, dict[str, Any]] = {}
    at = BEGIN.timestamp()
    for number, event in enumerate(events):
        # Events of one second, and some hours apart.
        at += order.choice([0, 1, 9_000])
        for place, (kind, subtype, asset, amount, fee) in enumerate(event):
            when = at + (86_400 * place if kind == "withdrawal" else order.choice([0, 0.25]))
            rows[f"L{number}-{place}"] = exchange_kraken.entry(
                kind,
                asset,
                f"{amount:f}",
                when,
                fee=f"{fee:f}",
                refid=f"R{number}",
                subtype=subtype,
            )
    shuffled = dict(order.sample(sorted(rows.items()), len(rows)))
    header = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance"
    text = [
        f"{name},{row['refid']},{datetime.fromtimestamp(row['time'], UTC).isoformat(sep=' ')},{row['type']},"
        f"{row['subtype']},currency,{row['asset']},{row['amount']},{row['fee']},0"
        for name, row in shuffled.items()
    ]
    late = {"Z1": exchange_kraken.entry("deposit", "OP", "1", NOW.timestamp() - 5, refid="Z1")}
    account = KrakenAccount(ledger=shuffled, page=page, late=late)
    moved = datetime.fromtimestamp(NOW.timestamp() - 5, UTC).isoformat(sep=" ")
    text.append(f"Z1,Z1,{moved},deposit,,currency,OP,1,0,1")
    filed = by_file("\n".join([header, *text]) + "\n", "kraken")
    told = by_api(opened(account), "kraken", set(), syncs=2)
    assert lines(told, named=True) == lines(filed, named=True)
    changes = [
        (kraken_rows.asset(row["asset"]), Decimal(row["amount"]) - Decimal(row["fee"]))
        for row in [*rows.values(), *late.values()]
        if row["asset"] != "KFEE"
    ]
    assert held(told) == summed(changes)


def test_kraken_lists_a_stock_that_has_the_name_of_a_coin(opened) -> None:
    at = NOW.timestamp() - 1000
    stock = {**exchange_kraken.entry("deposit", "OP", "2", at, refid="S"), "aclass": "equity"}
    coin = exchange_kraken.entry("deposit", "OP", "1", at, refid="C")
    client = opened(KrakenAccount(ledger={"L1": stock, "L2": coin}))
    (ledger,) = [
        each for each in VENUES["kraken"].streams(client, Known(set())) if each.name == "ledger"
    ]
    page = ledger.page({}, NOW)
    while not page.is_last:
        page = ledger.page(page.position, NOW)
    assert [record.native_id for record in page.records] == ["L2"]
    (left,) = page.unread
    assert (left.native_id, left.reason) == ("L1", "is 'equity': currencies alone are booked")


# Binance


@st.composite
def binance_events(draw: st.DrawFn) -> tuple[str, Decimal, Decimal, Decimal]:
    kind = draw(
        st.sampled_from(
            [
                "deposit",
                "withdrawal",
                "buy",
                "sell",
                "dust",
                "staking",
                "airdrop",
                "convert",
                "purchase",
                "sale",
            ]
        )
    )
    return kind, draw(amounts), draw(amounts), draw(fees)


@EXAMPLES
@given(st.lists(binance_events(), max_size=12), st.integers(2, 5), seeds)
def test_binance(opened, events, page, seed) -> None:
    order = Random(seed)
    account, rows = BinanceAccount(), []
    at = BEGIN
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_TRADES", "_TRANSFERS", "_DIVIDENDS"):
            patch.setattr(binance_venue, name, page)
        for name in ("_BEGIN", "_DUST_BEGIN"):
            patch.setattr(binance_venue, name, BEGIN)
        patch.setattr(binance_orders, "_BEGIN", BEGIN)
        patch.setattr(binance_orders, "_PAYMENTS", page)
        for number, event in enumerate(events):
            at += timedelta(seconds=order.choice([5, 9_000]))
            rows += _binance(account, number, at, event)
        header = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark"
        groups = order.sample(rows, len(rows))
        told_rows = [each for group in groups for each in order.sample(group, len(group))]
        text = [
            f"1,{when:%Y-%m-%d %H:%M:%S},Spot,{what},{coin},{change:f},"
            for when, what, coin, change in told_rows
        ]
        filed = by_file("\n".join([header, *text]) + "\n", "binance")
        told = by_api(opened(account), "binance", {"BTC", "ETH", "USDT", "BNB"}, syncs=2)
    assert lines(told, named=False) == lines(filed, named=False)
    assert held(told) == summed([(coin, change) for _, _, coin, change in told_rows])


def _binance(  # noqa: PLR0911 - one for each kind
    account: BinanceAccount, number: int, at: datetime, event: tuple[Any, ...]
) -> list[list[tuple[Any, ...]]]:
    """The event in the account, and its rows of the file, as groups that may stand anywhere."""
    kind, one, two, fee = event
    milliseconds = int(at.timestamp() * 1000)
    if kind == "deposit":
        account.deposits.append(
            exchange_binance.deposit(f"d{number}", "BTC", f"{one:f}", milliseconds)
        )
        return [[(at, "Deposit", "BTC", one)]]
    if kind == "withdrawal":
        row = exchange_binance.withdrawal(
            f"w{number}",
            "ETH",
            f"{one:f}",
            "0",
            apply_time=f"{at:%Y-%m-%d %H:%M:%S}",
            at=milliseconds,
        )
        account.withdrawals.append(row)
        return [[(at, "Withdraw", "ETH", -one)]]
    if kind in ("buy", "sell"):
        row = exchange_binance.trade(
            number, kind, f"{two:f}", f"{one:f}", milliseconds, fee=(f"{fee:f}", "BNB")
        )
        account.trades.setdefault("BTCUSDT", []).append(row)
        sign = 1 if kind == "buy" else -1
        legs = [
            (at, "Transaction Buy", "BTC", sign * one),
            (at, "Transaction Spend", "USDT", -sign * Decimal(row["quoteQty"])),
        ]
        late = at + timedelta(seconds=number % 2)
        return [legs, [(late, "Transaction Fee", "BNB", -fee)]] if fee else [legs]
    if kind == "dust":
        account.dust.append(
            exchange_binance.dust(number, milliseconds, ("ETH", f"{one:f}", f"{two:f}", "0"))
        )
        return [
            [
                (at, "Small assets exchange BNB", "ETH", -one),
                (at, "Small assets exchange BNB", "BNB", two),
            ]
        ]
    if kind == "convert":
        account.most_conversions = 2
        row = exchange_binance.converted(number, milliseconds, f"{one:f} ETH", f"{two:f} BTC")
        account.conversions.append(row)
        what = "Binance Convert"
        return [[(at, what, "ETH", -one), (at, what, "BTC", two)]]
    if kind in ("purchase", "sale"):
        return [_paid(account, number, at, kind == "purchase", one, two)]
    what = {"staking": "Staking Rewards", "airdrop": "Airdrop Assets"}[kind]
    info = {"staking": "Locked Staking", "airdrop": "OP airdrop"}[kind]
    account.dividends.append(
        {
            "id": number,
            "amount": f"{one:f}",
            "asset": "BNB",
            "divTime": milliseconds,
            "enInfo": info,
            "tranId": number,
        }
    )
    return [[(at, what, "BNB", one)]]


def _paid(  # noqa: PLR0917 - an event and where it goes
    account: BinanceAccount,
    number: int,
    at: datetime,
    is_buy: bool,
    amount: Decimal,
    price: Decimal,
) -> list[tuple[Any, ...]]:
    """Crypto bought or sold for euros."""
    worth = amount * price
    sides = (worth, amount) if is_buy else (amount, worth)
    source, obtained = (f"{side:f}" for side in sides)
    side, what = ("buy", "Buy Crypto With Fiat") if is_buy else ("sell", "Sell Crypto To Fiat")
    row = exchange_binance.payment(
        f"p{number}", int(at.timestamp() * 1000), source, obtained, "BTC", price=f"{price:f}"
    )
    account.payments.append((side, row))
    sign = 1 if is_buy else -1
    return [(at, what, "BTC", sign * amount), (at, what, "EUR", -sign * worth)]


# Coinbase


@st.composite
def coinbase_events(draw: st.DrawFn) -> tuple[str, Decimal, Decimal]:
    kinds = [
        "receive",
        "send",
        "buy",
        "trade",
        "staking",
        "inside",
        "earn",
        "subscription",
        "exchange",
    ]
    return draw(st.sampled_from(kinds)), draw(amounts), draw(amounts)


@EXAMPLES
@given(st.lists(coinbase_events(), max_size=12), st.integers(1, 4), seeds)
def test_coinbase(opened, events, page, seed) -> None:
    order = Random(seed)
    wallets: dict[str, list[dict[str, Any]]] = {
        f"w-{name}": [] for name in order.sample(["BTC", "ETH", "USDC"], 3)
    }
    rows: list[str] = []
    at = BEGIN
    for number, event in enumerate(events):
        at += timedelta(seconds=order.choice([0, 1, 9_000]))
        rows += _coinbase(
            wallets, SimpleNamespace(number=number, at=at, has_id=order.random() < 0.5), event
        )
    account = CoinbaseAccount(balances={name[2:]: "0" for name in wallets}, transactions=wallets)
    changes = [
        (row["amount"]["currency"].replace("ETH2", "ETH"), Decimal(row["amount"]["amount"]))
        for each in wallets.values()
        for row in each
    ]
    header = (
        "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction,Subtotal,"
        "Total (inclusive of fees and/or spread),Fees and/or Spread,Notes"
    )
    text = "\n".join([header, *order.sample(rows, len(rows))]) + "\n"
    filed = by_file(text, "coinbase")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coinbase_venue, "_ROWS", page + 3)
        told = by_api(opened(account), "coinbase", set(), syncs=2)
    wanted = [line[1:4] + line[7:9] for line in lines(filed, named=False)]
    assert [line[1:4] + line[7:9] for line in lines(told, named=False)] == wanted
    assert held(told) == held(filed) == summed(changes)


def _coinbase(
    wallets: dict[str, list[dict[str, Any]]], where: Any, event: tuple[str, Decimal, Decimal]
) -> list[str]:
    """The event in its wallets, and its rows of the file."""
    kind, one, two = event
    parts: dict[str, tuple[list[tuple[str, str, Decimal]], list[tuple[str, str, Decimal, str]]]] = {
        "receive": ([("send", "BTC", one)], [("Receive", "BTC", one, "")]),
        "send": ([("send", "ETH", -one)], [("Send", "ETH", -one, "")]),
        "buy": ([("buy", "BTC", one)], [("Buy", "BTC", one, "")]),
        "trade": (
            [("trade", "BTC", -one), ("trade", "ETH", two)],
            [("Convert", "BTC", -one, f"Converted {one:f} BTC to {two:f} ETH")],
        ),
        "staking": ([("staking_reward", "ETH", one)], [("Staking Income", "ETH", one, "")]),
        "inside": (
            [("staking_transfer", "ETH", -one), ("staking_transfer", "ETH2", one)],
            [
                ("Retail Staking Transfer", "ETH", -one, ""),
                ("Retail Staking Transfer", "ETH2", one, ""),
            ],
        ),
        "earn": ([("learning_reward", "USDC", one)], [("Learning Reward", "USDC", one, "")]),
        "subscription": ([("subscription", "USDC", -one)], [("Subscription", "USDC", -one, "")]),
        "exchange": ([("exchange_deposit", "BTC", -one)], [("Exchange Deposit", "BTC", -one, "")]),
    }
    told, filed = parts[kind]
    when = where.at.isoformat().replace("+00:00", "Z")
    for place, (name, asset, change) in enumerate(told):
        row = exchange_coinbase.row(
            f"{where.number}-{place}", name, f"{change:f}", asset, when, worth=f"{two:f}"
        )
        if name == "trade" and where.has_id:
            row["trade"] = {"id": f"t{where.number}", "resource": "trade"}
        wallets[f"w-{asset.removesuffix('2')}"].append(row)
    return [
        f"{where.number}-{place},{where.at:%Y-%m-%d %H:%M:%S} UTC,{name},{asset},{change:f},EUR,1,{two:f},{two:f},0,{notes}"
        for place, (name, asset, change, notes) in enumerate(filed)
    ]
