"""Files in which a transaction takes several rows: Kraken's ledger and Binance's statement."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext

from coinsphere.portfolio.formats.readers import Sides
from coinsphere.portfolio.formats.row import (
    Cells,
    Parsed,
    WrongCell,
    moment,
    number,
    required,
    text,
)
from coinsphere.portfolio.model import EXACT, ZERO, Kind

_KRAKEN_NAMES = {"XXBT": "BTC", "XBT": "BTC", "XDG": "DOGE", "XXDG": "DOGE"}
_KRAKEN_INCOME = {
    "staking": Kind.STAKING,
    "dividend": Kind.INTEREST,
    "earn": Kind.STAKING,
    "reward": Kind.REWARD,
}


def kraken_key(cells: Cells) -> str:
    """Rows of one trade have one `refid`; every other row stands for itself."""
    is_trade = (text(cells, "type") or "").lower() in ("trade", "spend", "receive")
    return required(cells, "refid") if is_trade else f"row {text(cells, 'txid')}"


def kraken(rows: Sequence[Cells]) -> list[Parsed]:
    """Kraken's ledger: the rows of one `refid`, or one other row."""
    if not text(rows[0], "txid"):
        # A deposit or withdrawal that is not settled; the settled one has a `txid`.
        return []
    if len(rows) > 1:
        return _kraken_trade(rows)
    return _kraken_move(rows[0])


def _kraken_trade(rows: Sequence[Cells]) -> list[Parsed]:
    sent = [row for row in rows if (number(row, "amount") or ZERO) < 0]
    received = [row for row in rows if (number(row, "amount") or ZERO) > 0]
    if len(sent) != 1 or len(received) != 1:
        raise WrongCell(
            "refid", "a trade has one row of what was given and one of what was received"
        )
    fees = [row for row in rows if number(row, "fee")]
    if len(fees) > 1:
        raise WrongCell("fee", "both rows of a trade have a fee")
    fee = (abs(number(fees[0], "fee") or ZERO), _kraken_asset(fees[0])) if fees else None
    made = Sides(_side(sent[0]), _side(received[0])).parsed(
        occurred_at=moment(rows[0], "time"), fee=fee, worth=None,
        incoming=Kind.TRANSFER_IN, outgoing=Kind.TRANSFER_OUT,
    )  # fmt: skip
    return [] if made is None else [_named(made, "kraken", required(rows[0], "refid"))]


def _side(row: Cells) -> tuple[str, Decimal]:
    return _kraken_asset(row), abs(number(row, "amount") or ZERO)


def _kraken_move(row: Cells) -> list[Parsed]:
    kind = required(row, "type").lower()
    change = number(row, "amount")
    if change is None:
        raise WrongCell("amount", "is empty")
    if kind == "transfer" or not change:
        # Between Kraken's own spot, futures and staking accounts: nothing comes or goes.
        return []
    side = (_kraken_asset(row), abs(change))
    fee = number(row, "fee")
    if kind not in {"deposit", "withdrawal", "trade", *_KRAKEN_INCOME}:
        raise WrongCell("type", f"{kind[:40]!r} is no kind that we know")
    made = Sides(side if change < 0 else None, side if change > 0 else None).parsed(
        occurred_at=moment(row, "time"),
        fee=(abs(fee), side[0]) if fee else None,
        worth=None,
        incoming=_KRAKEN_INCOME.get(kind, Kind.TRANSFER_IN),
        outgoing=Kind.TRANSFER_OUT,
    )
    return [] if made is None else [_named(made, "kraken", required(row, "txid"))]


def _kraken_asset(row: Cells) -> str:
    name = required(row, "asset").upper().partition(".")[0]
    if name in _KRAKEN_NAMES:
        return _KRAKEN_NAMES[name]
    # The old names have four letters, the first of which tells currencies (Z) from tokens (X).
    if len(name) == 4 and name[0] in "XZ":  # noqa: PLR2004 - the old names' length
        return name[1:]
    return name


_BINANCE_TRADE = {
    "buy", "sell", "transaction related", "transaction buy", "transaction spend", "transaction sold",
    "transaction revenue", "large otc trading", "binance convert", "small assets exchange bnb",
}  # fmt: skip
_BINANCE_FEE = {"fee", "transaction fee"}
_BINANCE_IN = {
    "deposit": Kind.TRANSFER_IN, "pos savings interest": Kind.STAKING, "staking rewards": Kind.STAKING,
    "eth 2.0 staking rewards": Kind.STAKING, "distribution": Kind.AIRDROP, "airdrop assets": Kind.AIRDROP,
    "commission rebate": Kind.REWARD, "cash voucher distribution": Kind.REWARD, "savings interest": Kind.INTEREST,
    "simple earn flexible interest": Kind.INTEREST, "simple earn locked rewards": Kind.STAKING,
    "commission history": Kind.REWARD, "referral kickback": Kind.REWARD,
}  # fmt: skip
_BINANCE_OUT = {"withdraw": Kind.TRANSFER_OUT, "send": Kind.TRANSFER_OUT}
_BINANCE_INSIDE = ("transfer", "subscription", "redemption", "purchase", "savings purchase")


def binance_key(cells: Cells) -> str:
    """The legs of a trade have one instant and account; every other row stands for itself."""
    operation = required(cells, "Operation").lower()
    if operation in _BINANCE_TRADE | _BINANCE_FEE:
        return f"{text(cells, 'UTC_Time')} {text(cells, 'Account')}"
    return ""


def binance(rows: Sequence[Cells]) -> list[Parsed]:
    """Binance's statement: the legs of what was traded at one instant, or one other row."""
    operation = required(rows[0], "Operation").lower()
    if operation in _BINANCE_TRADE | _BINANCE_FEE:
        return _binance_trade(rows)
    if any(word in operation for word in _BINANCE_INSIDE):
        return []
    row, change = rows[0], number(rows[0], "Change") or ZERO
    known = _BINANCE_IN if change > 0 else _BINANCE_OUT
    if operation not in known:
        raise WrongCell("Operation", f"{operation[:40]!r} is no kind that we know")
    side = (required(row, "Coin").upper(), abs(change))
    made = Sides(side if change < 0 else None, side if change > 0 else None).parsed(
        occurred_at=moment(row, "UTC_Time"), fee=None, worth=None,
        incoming=_BINANCE_IN.get(operation, Kind.TRANSFER_IN), outgoing=Kind.TRANSFER_OUT,
    )  # fmt: skip
    return [] if made is None else [_named(made, "binance", None)]


def _binance_trade(rows: Sequence[Cells]) -> list[Parsed]:
    changes, fees = _sums(rows, _BINANCE_TRADE), _sums(rows, _BINANCE_FEE)
    sent = [(coin, -change) for coin, change in changes.items() if change < 0]
    received = [(coin, change) for coin, change in changes.items() if change > 0]
    if len(sent) != 1 or len(received) != 1:
        raise WrongCell("Operation", "a trade gives one coin and receives another")
    if len(fees) > 1:
        raise WrongCell("Operation", "a trade has a fee in one coin")
    fee = next(((abs(change), coin) for coin, change in fees.items() if change), None)
    made = Sides(sent[0], received[0]).parsed(
        occurred_at=moment(rows[0], "UTC_Time"), fee=fee, worth=None,
        incoming=Kind.TRANSFER_IN, outgoing=Kind.TRANSFER_OUT,
    )  # fmt: skip
    return [] if made is None else [_named(made, "binance", None)]


def _sums(rows: Sequence[Cells], operations: set[str]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with localcontext(EXACT):
        for row in rows:
            if required(row, "Operation").lower() in operations:
                sums[required(row, "Coin").upper()] += number(row, "Change") or ZERO
    return dict(sums)


def _named(parsed: Parsed, exchange: str, external_id: str | None) -> Parsed:
    return replace(parsed, exchange=exchange, external_id=external_id)
