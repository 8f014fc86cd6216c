"""Public prices of one exchange through ccxt, with numbers as text and errors as ours.

ccxt's own rate limiter is the token bucket: a call waits until the exchange's published limit allows it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import ccxt

from coinsphere.clock import Clock
from coinsphere.errors import (
    BadPayload,
    NotListed,
    OutsideWindow,
    ProviderError,
    RateLimited,
    Unavailable,
)
from coinsphere.market.consensus import venues
from coinsphere.market.consensus.model import CURRENCIES, Asset, VenueQuote
from coinsphere.market.model import Candle, Interval, Token
from coinsphere.market.sources import ccxt_client
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds, to_milliseconds
from coinsphere.market.sources.rows import NONSENSE, Noted
from coinsphere.network.retry_after import asked_pause

_PAGES = {"binance": 1000, "coinbase": 300, "kraken": 720, "kucoin": 1500}
"""Candles that an exchange gives at most in one answer; 500 of any other."""
_WINDOWS = {"kraken": 720}
"""Candles back from now that an exchange gives at all, whatever is asked for."""

_MARKETS_LAST = timedelta(hours=1)
"""Markets open, close and are halted while a process runs for weeks: their list is read anew so often."""

_FIRST_TOKEN = datetime(2009, 1, 3, tzinfo=UTC)


class VenueMarket(NamedTuple):
    """A token, or a currency, in a quote currency."""

    symbol: str
    asset: Asset
    currency: str

    @property
    def pair(self) -> str:
        """The pair in ccxt's form, such as `BTC/USDT`."""
        return f"{self.symbol}/{self.currency}"


class Exchange:
    """One exchange as a provider of candles and quotes in US dollars."""

    def __init__(
        self,
        name: str,
        currencies: Sequence[str],
        clock: Clock,
        *,
        base_url: str | None = None,
        timeout_ms: int = 10_000,
    ) -> None:
        self.name = name
        self._currencies, self._clock = currencies, clock
        self._size = _PAGES.get(name, 500)
        self._noted = Noted(name)
        self._loaded_at: datetime | None = None
        self._client = ccxt_client.build(name, base_url, timeout_ms, self._noted)

    def close(self) -> None:
        """Close the connections."""
        self._client.session.close()

    def ping(self) -> None:
        """Ask for the exchange's time, the cheapest public call.

        Raises:
            ProviderError: it did not answer as it should.
        """
        self._call(self._client.fetch_time)

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> list[Candle]:
        """Candles that open in [start, end), page by page; a row that makes no sense is noted and left out.

        Raises:
            NotListed: the exchange has no market of the token in US dollars.
            OutsideWindow: it does not reach back to `start`.
            RateLimited, Unavailable, BadPayload: see there.
        """
        now = self._clock()
        market = self._market(token)
        self._refuse_outside(interval, start, now)
        candles: list[Candle] = []
        since, last = start, min(end, now)
        while since < last:
            rows = ((token, row) for row in self._page(market, interval, since))
            page = self._noted.readable(
                rows, lambda token, row: self._candle(token, interval, row, now)
            )
            fresh = [candle for candle in page if since <= candle.opened_at < end]
            candles += fresh
            # Some exchanges answer with the candles from the first one on, some with those of the span that was
            # asked for: an empty span before the listing does not mean that nothing follows.
            until = fresh[-1].opened_at if fresh else since + (self._size - 1) * interval.duration
            since = until + interval.duration
        self._noted.require(candles)
        return candles

    def venue_quotes(self, tokens: Sequence[Token]) -> list[VenueQuote]:
        """The quotes of every market of the tokens and currencies, by one call.

        A ticker that makes no sense is noted and left out. Some venues answer nothing at all where one of the markets that
        are named was closed or renamed: then it is asked for those that there are by now.

        Raises:
            RateLimited, Unavailable, BadPayload: see there.
        """
        listed = self.listed(tokens)
        try:
            return self._quotes(listed)
        except ProviderError as error:
            if not isinstance(error.__cause__, ccxt.ExchangeError):
                raise
            self._loaded_at = None
            if (newer := self.listed(tokens)).keys() == listed.keys():
                raise
            return self._quotes(newer)

    def _quotes(self, listed: Mapping[str, VenueMarket]) -> list[VenueQuote]:
        if not listed:
            return []
        tickers = self._call(self._client.fetch_tickers, list(listed))
        if not isinstance(tickers, Mapping):
            raise BadPayload(self.name, "tickers are no mapping", repr(tickers))
        now = self._clock()
        rows = ((market, tickers.get(pair)) for pair, market in listed.items())
        return self._noted.understood(rows, lambda market, row: self.quote(market, row, now))

    def listed(self, tokens: Sequence[Token]) -> dict[str, VenueMarket]:
        """The markets of the tokens and currencies that the exchange trades, by pair.

        Raises:
            RateLimited, Unavailable, BadPayload: see there.
        """
        self._load()
        return {market.pair: market for market in _markets(tokens) if self._trades(market.pair)}

    def described(self, pairs: Iterable[str]) -> list[dict[str, Any]]:
        """What ccxt knows of these markets, which are loaded."""
        return [self._client.markets[pair] for pair in pairs]

    def take_problems(self) -> list[ProviderError]:
        """Tickers and candles that made no sense, since the last call."""
        return self._noted.take()

    def _market(self, token: Token) -> str:
        """The exchange's market of the token, in the most preferred currency."""
        if not token.leads_symbol:
            raise NotListed(self.name, f"{token.symbol} is another, larger token's symbol there")
        self._load()
        for currency in self._currencies:
            if self._trades(pair := f"{token.symbol}/{currency}"):
                return pair
        raise NotListed(self.name, f"no market of {token.symbol} in US dollars")

    def _load(self) -> None:
        now = self._clock()
        if self._loaded_at is None or now - self._loaded_at > _MARKETS_LAST:
            self._call(partial(self._client.load_markets, reload=True))
            self._loaded_at = now

    def _trades(self, pair: str) -> bool:
        market = self._client.markets.get(pair)
        return market is not None and market.get("active") is not False

    def _refuse_outside(self, interval: Interval, start: datetime, now: datetime) -> None:
        window = _WINDOWS.get(self.name)
        if window is None:
            return
        earliest = now - (window - 1) * interval.duration
        if start < earliest - interval.duration:
            raise OutsideWindow(self.name, f"reaches back to {earliest:%Y-%m-%d %H:%M}", earliest)

    def _page(self, pair: str, interval: Interval, since: datetime) -> list[Any]:
        rows = self._call(
            self._client.fetch_ohlcv, pair, str(interval), to_milliseconds(since), self._size
        )
        if not isinstance(rows, list):
            raise BadPayload(self.name, "candles are no list", repr(rows))
        return rows

    def _candle(self, token: Token, interval: Interval, row: Any, now: datetime) -> Candle:
        moment, opened, high, low, closed, volume = row[:6]
        opened_at = _instant(moment)
        return Candle(
            token.id,
            interval,
            opened_at,
            Decimal(opened),
            Decimal(high),
            Decimal(low),
            Decimal(closed),
            None if volume is None else Decimal(volume),
            self.name,
            opened_at + interval.duration <= now,
            now,
        )

    def quote(self, market: VenueMarket, ticker: Any, now: datetime) -> VenueQuote | None:
        """The quote in a ticker of ccxt, as of `now` where it tells no time; None where it holds no price.

        Raises:
            rows.NONSENSE: it makes no sense.
        """
        if ticker is None or ticker.get("last") is None:
            return None
        moment = ticker.get("timestamp")
        return VenueQuote(
            asset=market.asset,
            venue=self.name,
            currency=market.currency,
            price=Decimal(ticker["last"]),
            observed_at=now if moment is None else _instant(moment),
            bid=_decimal(ticker.get("bid")),
            ask=_decimal(ticker.get("ask")),
            volume=_decimal(ticker.get("quoteVolume")),
            change_24h=_decimal(ticker.get("percentage")),
        )

    def _call(self, method: Any, *arguments: Any) -> Any:
        """Call ccxt, and turn what it raises into our errors."""
        try:
            return method(*arguments)
        except ProviderError:
            raise
        except ccxt.BaseError as error:
            raise self._translated(error) from error
        except NONSENSE as error:
            raise BadPayload(self.name, f"cannot be understood ({error})", repr(error)) from error

    def _translated(self, error: Exception) -> ProviderError:
        message = f"{type(error).__name__}: {str(error)[:300]}"
        pause = asked_pause(self._client.last_response_headers or {}, self._clock())
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
            return RateLimited(self.name, message, pause)
        if isinstance(error, ccxt.BadSymbol):
            return NotListed(self.name, message)
        if isinstance(error, ccxt.BadResponse):
            return BadPayload(self.name, message, str(error))
        return Unavailable(self.name, message, pause)


def _markets(tokens: Sequence[Token]) -> Iterator[VenueMarket]:
    """The markets of the tokens whose symbol means them, and of the currencies that are no tokens."""
    assets: list[tuple[str, Asset]] = [(t.symbol, t.id) for t in tokens if t.leads_symbol]
    codes = venues.currencies(tokens).items()
    assets += [(code, asset) for code, asset in codes if isinstance(asset, str)]
    for symbol, asset in assets:
        yield from (VenueMarket(symbol, asset, currency) for currency in CURRENCIES)


def _instant(milliseconds: float | str) -> datetime:
    """Raises `ValueError` for one before the first token: it was told in seconds, or not at all."""
    instant = from_milliseconds(milliseconds)
    if instant < _FIRST_TOKEN:
        raise ValueError(f"its time is {instant:%Y-%m-%d}, before the first token")
    return instant


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else rounded(value)
