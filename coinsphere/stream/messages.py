"""The stream's messages on the wire: JSON, one `type` each, decimals as number literals with all their digits."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec

from coinsphere.clock import iso
from coinsphere.parsing.decimals import plain
from coinsphere.parsing.untrusted_json import LEVELS, outline, refuse_repeated, require_shallow
from coinsphere.stream.reading import ExchangeSync, Firing, PortfolioValue, Quote, WalletSync

Said = TypeVar("Said")

_Symbols = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=20)]],
    msgspec.Meta(min_length=1, max_length=200),
]


class Subscribe(msgspec.Struct, tag="subscribe", frozen=True):
    """A client subscribes to the prices of these symbols."""

    symbols: _Symbols


class Unsubscribe(msgspec.Struct, tag="unsubscribe", frozen=True):
    """A client unsubscribes from the prices of these symbols."""

    symbols: _Symbols


class Resume(msgspec.Struct, tag="resume", frozen=True):
    """A client that was away asks for its alerts since then."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]


class Ping(msgspec.Struct, tag="ping", frozen=True):
    """A client asks whether we are there."""


Request = Subscribe | Unsubscribe | Resume | Ping
_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


def parse(text: str | bytes) -> Request:
    """Parses a client's message.

    Raises:
        ValueError: it is none of the messages that a client may send; the text says why.
    """
    return decoded(text, _decoder)


def decoded(text: str | bytes, decoder: "msgspec.json.Decoder[Said]") -> Said:
    """A client's JSON as `decoder` reads it. Raises ValueError, whose text says why."""
    raw = text.encode() if isinstance(text, str) else text
    bare = outline(raw)
    require_shallow(bare, LEVELS)
    try:
        refuse_repeated(bare, msgspec.json.decode(raw), raw)
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def is_one_of(text: str, kinds: Iterable[str]) -> bool:
    """Whether a message is of one of these types."""
    return text.startswith(tuple(f'{{"type":"{kind}"' for kind in kinds))


def connected(now: datetime) -> str:
    """The first message to a client."""
    return _text("connected", timestamp=now)


def subscribed(symbols: Iterable[str]) -> str:
    """The symbols that were asked for and are known."""
    return _text("subscribed", symbols=sorted(symbols))


def unsubscribed(symbols: Iterable[str]) -> str:
    """The symbols that are sent no longer."""
    return _text("unsubscribed", symbols=sorted(symbols))


def resumed(since: datetime, alerts: int) -> str:
    """All alerts from `since` on were sent again, so many."""
    return _text("resumed", since=since, alerts=alerts)


def pong(now: datetime) -> str:
    """The answer to a ping."""
    return _text("pong", timestamp=now)


def error(code: str, message: str, **more: Any) -> str:
    """Something that a client asked for was not done; `code` is for programs."""
    return _text("error", code=code, message=message, **more)


def price_update(quote: Quote) -> str:
    """A token's newest price in US dollars; null is unknown."""
    return _text(
        "price_update",
        symbol=quote.symbol,
        tokenId=str(quote.token_id),
        price=quote.price,
        change24h=quote.change_24h,
        volume24h=quote.volume_24h,
        marketCap=quote.market_cap,
        priceSource=quote.source,
        timestamp=quote.observed_at,
    )


def alert(firing: Firing) -> str:
    """An alert of the client's user fired."""
    return _text(
        "alert",
        id=str(firing.event_id),
        alertId=str(firing.alert_id),
        alertType=firing.alert_type,
        tokenSymbol=firing.token_symbol,
        portfolioId=None if firing.portfolio_id is None else str(firing.portfolio_id),
        condition=firing.condition,
        threshold=firing.threshold,
        previousValue=firing.previous_value,
        value=firing.observed_value,
        source=firing.source,
        observedAt=firing.observed_at,
        timestamp=firing.fired_at,
    )


def portfolio_update(portfolio: PortfolioValue, now: datetime) -> str:
    """A portfolio's value in US dollars; a holding without a price, or that is delisted, is listed, never counted as zero."""
    return _text(
        "portfolio_update",
        portfolioId=str(portfolio.portfolio_id),
        name=portfolio.name,
        totalValue=portfolio.total_value,
        unpriced=portfolio.unpriced,
        stale=portfolio.stale,
        timestamp=now,
    )


def exchange_sync(sync: ExchangeSync, now: datetime) -> str:
    """A sync of one of the client's exchange accounts came further, or to its end."""
    return _text(
        "exchange_sync",
        jobId=str(sync.id),
        connectionId=str(sync.connection_id),
        exchange=sync.exchange,
        status=sync.status,
        stream=sync.stream,
        imported=sync.imported,
        unbooked=sync.unbooked,
        error=sync.error,
        timestamp=now,
    )


def wallet_sync(sync: WalletSync, now: datetime) -> str:
    """A sync of one of the client's wallets came further, or to its end."""
    return _text(
        "wallet_sync",
        jobId=str(sync.id),
        walletId=str(sync.wallet_id),
        blockchain=sync.blockchain,
        status=sync.status,
        step=sync.step,
        imported=sync.imported,
        balances=sync.balances,
        positions=sync.positions,
        error=sync.error,
        timestamp=now,
    )


def _text(kind: str, **fields: Any) -> str:
    values = {name: _wire(value) for name, value in fields.items()}
    return msgspec.json.encode({"type": kind, **values}).decode()


def _wire(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(plain(value).encode())
    return iso(value) if isinstance(value, datetime) else value
