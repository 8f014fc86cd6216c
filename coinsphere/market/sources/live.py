"""Live public prices: several exchanges, then CoinGecko for what none of them lists.

Candles come of the first, by preference, that has them; quotes of all at once, for `coinsphere.market.consensus`.

Passing errors are asked again with growing pauses; then the next provider is asked, and the one that failed is left
alone for a minute. One that hangs is not asked again, so that it holds up nobody for longer than one answer may take. A
provider that does not list the token, or does not reach far enough back, makes way for the next.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import ccxt
import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from coinsphere.clock import Clock, utc_now
from coinsphere.errors import (
    BadPayload,
    ConfigurationError,
    NotListed,
    OutsideWindow,
    ProviderError,
    RateLimited,
    Unavailable,
)
from coinsphere.market.consensus.model import DOLLAR, VenueQuote
from coinsphere.market.model import Candle, Interval, Metadata, NotesProblems, Token
from coinsphere.market.sources.coingecko import CoinGecko
from coinsphere.market.sources.exchange import Exchange
from coinsphere.settings import Settings

_ATTEMPTS = 3
_GROWING = wait_exponential_jitter(multiplier=0.5, max=8.0, jitter=0.5)
_SLOW = 0.8
"""Part of the time that an answer may take from which on a failure was a slow one: who hangs is not asked again."""
_LONGEST_PAUSE = 20.0
"""Seconds; a provider that asks for more patience is left for the next one."""
_REST = timedelta(minutes=1)
_PROBED = 2
_PROBE_TIMEOUT_MS = 2_500

Sleep = Callable[[float], None]
T = TypeVar("T")


class Provider(Protocol):
    """The interface of an exchange or CoinGecko that the live source uses."""

    name: str

    def close(self) -> None:
        """Close the connections."""
        ...

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> list[Candle]:
        """See `MarketDataSource.candles`."""
        ...


class Venue(Provider, Protocol):
    """The interface of an exchange that the live source uses."""

    def venue_quotes(self, tokens: Sequence[Token]) -> list[VenueQuote]:
        """See `VenueSource.venue_quotes`."""
        ...


class LiveMarket:
    """A `MarketDataSource` over providers in order of preference."""

    name = "live"

    def __init__(
        self,
        exchanges: Sequence[Venue],
        coingecko: CoinGecko,
        clock: Clock,
        sleep: Sleep,
        patience: float,
    ) -> None:
        self._patience = patience
        self._exchanges = exchanges
        self._providers: list[Provider] = [*exchanges, coingecko]
        self._coingecko, self._clock, self._sleep = coingecko, clock, sleep
        self._resting: dict[str, datetime] = {}
        self._problems: list[ProviderError] = []

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> list[Candle]:
        """Candles of the first provider that has any; empty where a provider lists the token but has no candle then.

        Raises:
            OutsideWindow: some provider has the token, but none reaches back to `start`.
            RateLimited, Unavailable, BadPayload, NotListed: none has any; the one that may pass soonest.
        """
        errors: list[ProviderError] = []
        candles: list[Candle] = []
        for provider in self._providers:
            try:
                candles = self._ask(
                    provider, partial(provider.candles, token, interval, start, end)
                )
            except ProviderError as error:
                errors.append(error)
            if candles:
                break
        if not candles and len(errors) == len(self._providers):
            raise self._chosen(errors)
        self._note(errors)
        return candles

    def venue_quotes(self, tokens: Sequence[Token]) -> list[VenueQuote]:
        """Quotes of every exchange, all asked at once; CoinGecko's price for a token that none of them quotes.

        Of a stablecoin none has one where nobody trades it for dollars themselves. What fails of one exchange stays
        there, and is noted.

        Raises:
            ProviderError: nobody gave anything; the error that may pass soonest.
        """
        with ThreadPoolExecutor(max(1, len(self._exchanges))) as pool:
            answers = list(pool.map(partial(self._heard, tokens), self._exchanges))
        quotes = [quote for answer in answers if isinstance(answer, list) for quote in answer]
        errors = [answer for answer in answers if isinstance(answer, ProviderError)]
        pegged = {token.id for token in tokens if token.peg_usd is not None}
        priced = {q.asset for q in quotes if q.asset not in pegged or q.currency == DOLLAR}
        try:
            quotes += self._told([token for token in tokens if token.id not in priced])
        except ProviderError as error:
            errors.append(error)
        if not quotes and errors:
            raise self._chosen(errors)
        self._note(errors)
        return quotes

    def metadata(self, tokens: Sequence[Token]) -> list[Metadata]:
        """Supply, rank, logo and all-time extremes, from CoinGecko."""
        return self._ask(self._coingecko, partial(self._coingecko.metadata, tokens))

    def close(self) -> None:
        """Close the connections to every provider."""
        for provider in self._providers:
            provider.close()

    def take_problems(self) -> list[ProviderError]:
        """The problems met while answering, since the last call."""
        problems, self._problems = self._problems, []
        return problems

    def _heard(self, tokens: Sequence[Token], venue: Venue) -> list[VenueQuote] | ProviderError:
        try:
            return self._ask(venue, partial(venue.venue_quotes, tokens))
        except ProviderError as error:
            return error

    def _told(self, tokens: Sequence[Token]) -> list[VenueQuote]:
        """CoinGecko's prices: an average over venues, but a single source, so it never votes beside them."""
        if not tokens:
            return []
        quotes = self._ask(self._coingecko, partial(self._coingecko.quotes, tokens))
        return [
            VenueQuote(
                asset=quote.token_id,
                venue=quote.source,
                currency=DOLLAR,
                price=quote.price,
                observed_at=quote.observed_at,
                volume=quote.volume_24h,
                change_24h=quote.change_24h,
                market_cap=quote.market_cap,
                is_aggregate=True,
            )
            for quote in quotes
        ]

    def _ask(self, provider: Provider, question: Callable[[], T]) -> T:
        """Put one question to one provider, again where the error may pass."""
        resting_until = self._resting.get(provider.name)
        if resting_until is not None and self._clock() < resting_until:
            raise Unavailable(
                provider.name, f"failed, is left alone until {resting_until:%H:%M:%S}"
            )
        retrying = Retrying(
            retry=retry_if_exception_type((RateLimited, Unavailable)),
            stop=partial(_stop, self._patience * _SLOW),
            wait=_pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(question)
        except (RateLimited, Unavailable):
            self._resting[provider.name] = self._clock() + _REST
            raise
        finally:
            if isinstance(provider, NotesProblems):
                self._problems += provider.take_problems()

    def _note(self, errors: Sequence[ProviderError]) -> None:
        self._problems += [
            error for error in errors if not isinstance(error, NotListed | OutsideWindow)
        ]

    def _chosen(self, errors: Sequence[ProviderError]) -> ProviderError:
        """The error that best says what to do next; the others are noted."""
        outside = [error for error in errors if isinstance(error, OutsideWindow)]
        if outside:
            chosen: ProviderError = min(outside, key=lambda error: error.earliest or self._clock())
        else:
            order = (RateLimited, Unavailable, BadPayload, NotListed)
            chosen = min(errors, key=lambda error: order.index(type(error)))
        self._note([error for error in errors if error is not chosen])
        return chosen


def build(
    settings: Settings, clock: Clock, *, sleep: Sleep | None = None, timeout: float = 10.0
) -> LiveMarket:
    """The live source that the settings describe.

    Args:
        settings: exchanges, currencies and URLs.
        clock: tells which candles are final.
        sleep: pauses between attempts; tests do not wait.
        timeout: seconds that one answer may take.

    Raises:
        ConfigurationError: an exchange is unknown to ccxt.
    """
    venues = exchanges(settings, clock, timeout)
    client = httpx2.Client(timeout=timeout, follow_redirects=False)
    pause = sleep or time.sleep
    coingecko = CoinGecko(settings.coingecko_url, settings.coingecko_api_key, client, clock, pause)
    return LiveMarket(venues, coingecko, clock, pause, timeout)


def exchanges(settings: Settings, clock: Clock, timeout: float = 10.0) -> list[Exchange]:
    """The exchanges that the settings name, in their order; one answer may take `timeout` seconds.

    Raises:
        ConfigurationError: one is unknown to ccxt.
    """
    milliseconds = int(timeout * 1000)
    return [_exchange(settings, name, clock, milliseconds) for name in settings.market_exchanges]


def answers(settings: Settings) -> bool:
    """Whether one of the first exchanges answers one public call within a few seconds."""
    for name in settings.market_exchanges[:_PROBED]:
        exchange = _exchange(settings, name, utc_now, _PROBE_TIMEOUT_MS)
        try:
            exchange.ping()
        except ProviderError:
            continue
        finally:
            exchange.close()
        return True
    return False


def _exchange(settings: Settings, name: str, clock: Clock, timeout_ms: int) -> Exchange:
    if name not in ccxt.exchanges:
        raise ConfigurationError(f"COINSPHERE_MARKET_EXCHANGES: ccxt knows no exchange {name!r}.")
    return Exchange(
        name,
        settings.market_quote_currencies,
        clock,
        base_url=settings.exchange_base_url,
        timeout_ms=timeout_ms,
    )


def _stop(slow: float, state: RetryCallState) -> bool:
    """After some attempts, or at once where the provider hangs or asks for more patience than we have."""
    is_slow = (state.seconds_since_start or 0.0) >= slow
    is_late = (_asked_pause(state) or 0) > _LONGEST_PAUSE
    return is_slow or is_late or state.attempt_number >= _ATTEMPTS


def _pause(state: RetryCallState) -> float:
    """As long as the provider asked for, else growing from half a second."""
    asked = _asked_pause(state)
    return asked if asked is not None else _GROWING(state)


def _asked_pause(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, RateLimited | Unavailable) else None
