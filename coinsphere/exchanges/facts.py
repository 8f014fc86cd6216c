"""From records of an account to facts of the ledger: which token an asset is, and what is bought, sold or swapped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.exchanges.model import Record
from coinsphere.portfolio import facts, ledger
from coinsphere.portfolio.errors import InvalidFact
from coinsphere.portfolio.facts import NewFact
from coinsphere.portfolio.model import EXACT, UNIT, Kind

MONEY = frozenset((
    "AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
    "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PLN", "RON", "RUB", "SAR", "SEK",
    "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
))  # fmt: skip
"""Currencies of states: the ledger keeps them outside, as what was paid and received."""

# Of several tokens with one symbol, the one of the highest market cap, as everywhere: exchanges name no contract.
_TOKENS = """
    select distinct on (t.symbol) t.symbol, t.id
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    where t.symbol = any(%(symbols)s)
    order by t.symbol, t.is_active desc, q.market_cap desc nulls last, t.created_at, t.id
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the facts of a connection go. `name` is how the ledger calls the account."""

    portfolio_id: UUID
    exchange: str
    account: str | None
    name: str

    def external_id(self, native_id: str) -> str:
        """The record's name in the ledger: the same whenever and however often it is told.

        Kraken's ids are unique in the world, and files that it exports bear them too.
        """
        if self.exchange == "kraken":
            return f"kraken:{native_id}"
        return f"{self.exchange}:{self.account or ''}:{native_id}"


class Unbooked(NamedTuple):
    """A record that cannot be booked yet, and why."""

    record: Record
    reason: str


def assets(records: Iterable[Record]) -> set[str]:
    """Everything that the records name."""
    sides = (side for each in records for side in (each.sent, each.received, each.fee))
    return {side[0] for side in sides if side is not None}


def tokens(conn: Connection, symbols: Iterable[str]) -> dict[str, UUID]:
    """The tokens that these assets are, of those that we know."""
    wanted = {symbol for symbol in symbols if symbol not in MONEY and "\0" not in symbol}
    return dict(conn.execute(_TOKENS, {"symbols": sorted(wanted)}).fetchall())


def resolve(
    records: Iterable[Record], account: Account, known: Mapping[str, UUID], now: datetime
) -> tuple[list[NewFact], list[Unbooked]]:
    """The facts of the records, and those records that are none. What moved money only is neither."""
    made: list[NewFact] = []
    unbooked: list[Unbooked] = []
    for record in records:
        try:
            fact = _fact(record, account, known)
            if fact is None:
                continue
            ledger.check(fact.fact(account.portfolio_id))
            facts.require_time(fact.occurred_at, now)
        except InvalidFact as error:
            unbooked.append(Unbooked(record, str(error)[:200]))
        else:
            made.append(fact)
    return made, unbooked


def _fact(record: Record, account: Account, known: Mapping[str, UUID]) -> NewFact | None:
    sides = [side for side in (record.sent, record.received) if side is not None]
    if all(asset in MONEY for asset, _ in sides):
        return None
    _require_known([*sides, *([record.fee] if record.fee else [])], known)
    what = _exchanged(record, known) if len(sides) > 1 else _moved(record, sides[0], known)
    return NewFact(
        portfolio_id=account.portfolio_id,
        occurred_at=record.at,
        exchange=account.name,
        tx_hash=record.tx_hash[:200] if record.tx_hash else None,
        source="exchange",
        external_id=account.external_id(record.native_id)[:200],
        **what,
        **_fee(record, what.get("currency"), known),
    )


def _require_known(sides: Iterable[tuple[str, Decimal]], known: Mapping[str, UUID]) -> None:
    for asset, _ in sides:
        if asset not in MONEY and asset not in known:
            raise InvalidFact("token", f"no token has the symbol {asset[:40]!r}")


def _moved(record: Record, side: tuple[str, Decimal], known: Mapping[str, UUID]) -> dict[str, Any]:
    asset, amount = side
    return {"kind": record.kind, "token_id": known[asset], "amount": amount}


def _exchanged(record: Record, known: Mapping[str, UUID]) -> dict[str, Any]:
    assert record.sent is not None
    assert record.received is not None
    (gone, given), (come, got) = record.sent, record.received
    if gone in MONEY:
        price = _price(record, given, got)
        return {
            "kind": Kind.BUY,
            "token_id": known[come],
            "amount": got,
            "price": price,
            "currency": gone,
        }
    if come in MONEY:
        price = _price(record, got, given)
        return {
            "kind": Kind.SELL,
            "token_id": known[gone],
            "amount": given,
            "price": price,
            "currency": come,
        }
    return {
        "kind": Kind.SWAP,
        "token_id": known[gone],
        "amount": given,
        "counter_token_id": known[come],
        "counter_amount": got,
    }  # fmt: skip


def _price(record: Record, money: Decimal, amount: Decimal) -> Decimal:
    """Of one unit of the token. A market of money in a token, like EUR/USDT, has its price the other way round."""
    if not amount:
        raise InvalidFact("amount", "must be greater than 0")
    worth = EXACT.divide(money, amount).quantize(UNIT, context=EXACT)
    told = record.price
    is_same = told is not None and abs(told - worth) <= worth * Decimal("0.0001")
    return told if told is not None and is_same else worth


def _fee(record: Record, currency: str | None, known: Mapping[str, UUID]) -> dict[str, Any]:
    if record.fee is None:
        return {}
    asset, amount = record.fee
    if asset not in MONEY:
        return {"fee": amount, "fee_token_id": known[asset]}
    if currency not in (None, asset):
        raise InvalidFact("fee", f"is in {asset}, the price in {currency}")
    return {"fee": amount} if currency else {"fee": amount, "currency": asset}
