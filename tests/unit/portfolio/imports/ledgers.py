"""What the transactions of a file leave in the ledger: balances by asset, as postings make them."""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID, uuid5

from coinsphere.portfolio.imports.formats.files import Content
from coinsphere.portfolio.imports.formats.row import Parsed
from coinsphere.portfolio.ledger.double_entry import Account, postings
from coinsphere.portfolio.model import Fact

_PORTFOLIO = UUID(int=1)


def said(content: Content) -> list[str]:
    """Each transaction in few words."""
    return [_said(each) for _, each in content.parsed]


def _said(each: Parsed) -> str:
    told = [each.kind.value, f"{each.amount.normalize():f}", each.symbol]
    if each.price is not None:
        told.append(f"at {each.price.normalize():f} {each.currency}")
    if each.counter_symbol and each.counter_amount:
        told.append(f"for {each.counter_amount.normalize():f} {each.counter_symbol}")
    if each.fee:
        told.append(f"fee {each.fee.normalize():f} {each.fee_symbol or each.currency}")
    return " ".join(told)


def balances(content: Content) -> dict[str, str]:
    """Units that are held after all transactions, by asset; every event is checked to sum to zero."""
    assets = {_token(symbol): symbol for _, each in content.parsed for symbol in _symbols(each)}
    held: dict[str, Decimal] = defaultdict(Decimal)
    for _, each in content.parsed:
        for posting in postings(_fact(each)):
            if posting.account is Account.HOLDING and posting.token_id:
                held[assets[posting.token_id]] += posting.amount
    return {symbol: f"{total.normalize():f}" for symbol, total in sorted(held.items()) if total}


def _symbols(each: Parsed) -> list[str]:
    return [symbol for symbol in (each.symbol, each.counter_symbol, each.fee_symbol) if symbol]


def _token(symbol: str) -> UUID:
    return uuid5(_PORTFOLIO, symbol)


def _fact(each: Parsed) -> Fact:
    return Fact(
        UUID(int=2), _PORTFOLIO, each.kind, _token(each.symbol), each.amount, each.price, each.currency, each.fee,
        _token(each.fee_symbol) if each.fee_symbol else None, _token(each.counter_symbol) if each.counter_symbol else None,
        each.counter_amount, each.exchange, each.occurred_at,
    )  # fmt: skip
