"""Koinly's universal format and its US export: the sent side, the received side, and a label.

The labels are those of https://support.koinly.io/en/articles/9490023-what-are-tags (they were called labels before); the
export of the US calls the column `Tag` and tells the worth in `Net Value (USD)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    WrongCell,
    agreed,
    moment,
    number,
    required,
    text,
)
from coinsphere.portfolio.imports.formats.sides import Sides
from coinsphere.portfolio.imports.statements.grouping import BORROWED
from coinsphere.portfolio.model import Kind

_IN = {
    "airdrop": Kind.AIRDROP, "fork": Kind.AIRDROP,
    "mining": Kind.REWARD, "reward": Kind.REWARD, "salary": Kind.REWARD, "income": Kind.REWARD, "other income": Kind.REWARD,
    "realized gain": Kind.REWARD, "realized pnl": Kind.REWARD, "realized p&l": Kind.REWARD, "cashback": Kind.REWARD,
    "staking": Kind.STAKING, "staking reward": Kind.STAKING,
    "lending interest": Kind.INTEREST, "loan interest": Kind.INTEREST, "interest": Kind.INTEREST,
    "fee refund": Kind.DEPOSIT, "loan": Kind.DEPOSIT, "margin loan": Kind.DEPOSIT, "gift": Kind.DEPOSIT, "gift received": Kind.DEPOSIT,
}  # fmt: skip
_OUT = {
    "gift": Kind.GIFT, "donation": Kind.GIFT, "lost": Kind.LOST, "stolen": Kind.LOST,
    "cost": Kind.FEE, "fee": Kind.FEE, "tax": Kind.FEE, "margin fee": Kind.FEE, "loan fee": Kind.FEE, "other fee": Kind.FEE,
    "interest payment": Kind.FEE, "loan interest": Kind.FEE,
    "realized gain": Kind.LOST, "realized pnl": Kind.LOST, "realized p&l": Kind.LOST,
    "loan repayment": Kind.WITHDRAWAL, "margin repayment": Kind.WITHDRAWAL,
}  # fmt: skip
_LOANS = frozenset({"loan", "margin loan"})
_TRADE = frozenset(
    {"swap", "liquidity in", "liquidity out", "realized gain", "realized pnl", "realized p&l"}
)
_INSIDE = {
    "stake": "was staked and is still yours", "unstake": "came back from staking",
    "to pool": "was sent to a pool and is still yours", "from pool": "came back from a pool",
    "send to pool": "was sent to a pool and is still yours", "sent to pool": "was sent to a pool and is still yours",
    "remove from pool": "came back from a pool", "received from pool": "came back from a pool",
    "ignored": "is labelled as ignored", "spam": "is labelled as spam",
}  # fmt: skip


def read(cells: Cells) -> list[Parsed]:
    """The transaction of a row; two where it tells both ends of a transfer between one's own wallets."""
    sent, received = _side(cells, "Sent"), _side(cells, "Received")
    if sent is None and received is None and not number(cells, "Fee Amount"):
        raise WrongCell("Sent Amount", "neither sent nor received")
    if (number(cells, "Received Amount") or 0) < 0:
        raise WrongCell("Received Amount", "is negative: what left was sent")
    if (text(cells, "Deleted") or "").lower() in {"true", "yes", "1"}:
        raise Nothing("is deleted at Koinly")
    label = _label(cells)
    if label in _INSIDE:
        raise Nothing(f"{_INSIDE[label]} ({label})")
    if sent and received and sent[0] == received[0]:
        return _transfer(cells, sent, received)
    _check_direction(cells)
    incoming, outgoing = _kinds(label, sent is not None, received is not None)
    parsed = Sides(sent, received).parsed(
        occurred_at=moment(cells, "Date"), fee=_fee(cells), worth=_worth(cells),
        incoming=incoming, outgoing=outgoing,
    )  # fmt: skip
    wallet = text(cells, "Receiving Wallet") if sent is None else text(cells, "Sending Wallet")
    return [_told(cells, parsed, wallet)]


def caution(rows: Sequence[Cells]) -> str | None:
    """A warning about a row that was read; None where there is none."""
    is_loan = _label(rows[0]) in _LOANS and bool(number(rows[0], "Received Amount"))
    return BORROWED if is_loan else None


def _label(cells: Cells) -> str:
    return " ".join((text(cells, "Label") or "").lower().replace("_", " ").split())


def _side(cells: Cells, side: str) -> tuple[str, Decimal] | None:
    """A symbol and an amount; None where the row has none. Raises `WrongCell` where it has one of both only."""
    amount, symbol = number(cells, f"{side} Amount"), text(cells, f"{side} Currency")
    # `BTC;1` names the token's number at Koinly, too.
    symbol = symbol.partition(";")[0].upper() if symbol else None
    if not amount:
        return None
    agreed(cells, f"{side} Amount", symbol)
    return required(cells, f"{side} Currency").partition(";")[0].upper(), abs(amount)


def _kinds(label: str, is_sent: bool, is_received: bool) -> tuple[Kind, Kind]:
    """The kinds of transaction that a label means for the received and the sent side. Raises `WrongCell` where it fits neither."""
    if not label:
        return Kind.TRANSFER_IN, Kind.TRANSFER_OUT
    if is_sent and is_received:
        known: Mapping[str, object] = dict.fromkeys(_TRADE)
    else:
        known = _IN if is_received else _OUT
    if label not in known:
        way = (
            "a trade" if is_sent and is_received else "a deposit" if is_received else "a withdrawal"
        )
        raise WrongCell("Label", f"{label[:40]!r} is no label of {way} that we know")
    return _IN.get(label, Kind.TRANSFER_IN), _OUT.get(label, Kind.TRANSFER_OUT)


_DEPOSITS = frozenset({"crypto_deposit", "fiat_deposit", "deposit"})
_WITHDRAWALS = frozenset({"crypto_withdrawal", "fiat_withdrawal", "withdrawal"})
_TRADES = frozenset({"buy", "sell", "exchange", "trade"})


def _check_direction(cells: Cells) -> None:
    """Koinly's `Type` says the same as the amounts. Raises `WrongCell` where it does not, or is another."""
    type_name = (text(cells, "Type") or "").lower().replace(" ", "_")
    is_sent, is_received = (
        bool(number(cells, "Sent Amount")),
        bool(number(cells, "Received Amount")),
    )
    fits = (
        not type_name
        or (type_name in _DEPOSITS and not is_sent)
        or (type_name in _WITHDRAWALS and not is_received)
        or (type_name in _TRADES and is_sent and is_received)
    )
    if not fits:
        raise WrongCell("Type", f"{type_name[:40]!r} does not fit what was sent and received")


def _fee(cells: Cells) -> tuple[Decimal, str] | None:
    fee = number(cells, "Fee Amount")
    if not fee:
        return None
    if fee < 0:
        raise WrongCell("Fee Amount", "is negative: a refund is a deposit")
    return fee, required(cells, "Fee Currency").partition(";")[0].upper()


def _worth(cells: Cells) -> tuple[Decimal, str] | None:
    worth = number(cells, "Net Worth Amount")
    if not worth:
        return None
    own_currency = text(cells, "Net Worth Currency")
    currency = agreed(cells, "Net Worth Amount", own_currency.upper() if own_currency else None)
    if currency is None:
        raise WrongCell("Net Worth Currency", "is empty, and the amount does not tell its currency")
    return abs(worth), currency


def _told(cells: Cells, parsed: Parsed, wallet: str | None) -> Parsed:
    return replace(
        parsed, notes=text(cells, "Description"), tx_hash=text(cells, "TxHash"), exchange=wallet
    )


def _transfer(
    cells: Cells, sent: tuple[str, Decimal], received: tuple[str, Decimal]
) -> list[Parsed]:
    """Both ends of a transfer between one's own wallets; what did not arrive was the network's fee."""
    if received[1] > sent[1]:
        raise WrongCell("Received Amount", "is more than was sent")
    at, fee = moment(cells, "Date"), _fee(cells)
    make = {
        "occurred_at": at,
        "worth": None,
        "incoming": Kind.TRANSFER_IN,
        "outgoing": Kind.TRANSFER_OUT,
    }
    out = Sides(sent, None).parsed(fee=fee, **make)  # type: ignore[arg-type]
    arrived = Sides(None, received).parsed(fee=None, **make)  # type: ignore[arg-type]
    return [
        _told(cells, out, text(cells, "Sending Wallet")),
        _told(cells, arrived, text(cells, "Receiving Wallet")),
    ]


def told(parsed: Parsed) -> Mapping[str, str]:
    """The columns from which the parts of a transaction come."""
    is_sent = parsed.kind in {Kind.SWAP, Kind.SELL, *_OUT.values(), Kind.TRANSFER_OUT}
    side = "Sent" if is_sent else "Received"
    return {
        "symbol": f"{side} Currency", "amount": f"{side} Amount", "counter_symbol": "Received Currency",
        "counter_amount": "Received Amount", "fee_symbol": "Fee Currency", "fee": "Fee Amount", "occurred_at": "Date",
        "price": "Net Worth Amount", "currency": "Net Worth Currency",
    }  # fmt: skip
