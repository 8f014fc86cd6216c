"""CoinGecko: market cap, supply, logos and all-time extremes, and prices of tokens that no exchange lists.

Its candles are made of its hourly price points, so they carry no volume; a span without at least two points gives no
candle. Documented at https://docs.coingecko.com (demo plan: 30 calls a minute, 365 days back).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any

import httpx2
from pydantic import SecretStr

from coinsphere.clock import Clock
from coinsphere.errors import (
    BadPayload,
    NotListed,
    OutsideWindow,
    ProviderError,
    RateLimited,
    Unavailable,
)
from coinsphere.market.model import Candle, Interval, Metadata, Quote, Token
from coinsphere.market.sources.bucket import TokenBucket
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.logos import logo
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.market.sources.rows import Noted
from coinsphere.network.retry_after import asked_pause
from coinsphere.parsing import untrusted_json

NAME = "coingecko"
_CALLS_A_MINUTE = 25
_PAGE = 250
_WINDOW = timedelta(days=365)
_HOURLY_SPAN = timedelta(days=89)
"""CoinGecko gives hourly points for spans of up to 90 days, daily ones for longer."""
_BEYOND_PLAN = 10012
_TOO_MANY, _NOT_FOUND, _SERVER_FAULT = 429, 404, 500
_FEWEST_POINTS = 2
_LARGEST_ANSWER = 20_000_000
"""Bytes; the largest honest answer is far smaller."""


class CoinGecko:
    """CoinGecko as a provider of candles, quotes and metadata in US dollars."""

    name = NAME

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None,
        client: httpx2.Client,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        self._url, self._client, self._clock = url.rstrip("/"), client, clock
        self._headers = {"x-cg-demo-api-key": api_key.get_secret_value()} if api_key else {}
        self._noted = Noted(NAME)
        self._bucket = TokenBucket(_CALLS_A_MINUTE / 60, _CALLS_A_MINUTE, sleep)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> list[Candle]:
        """Candles that open in [start, end), made of hourly price points; one that makes no sense is noted and left out.

        Raises:
            NotListed: CoinGecko does not know the token.
            OutsideWindow: the plan does not reach back to `start`.
            RateLimited, Unavailable, BadPayload: see there.
        """
        coin, now = self._coin(token), self._clock()
        points: dict[datetime, Decimal] = {}
        since, last = start, min(end, now)
        while since < last:
            until = min(since + _HOURLY_SPAN, last)
            points.update(self._points(token, coin, since, until))
            since = until
        self._noted.require(points)
        candles = _candles(token, interval, sorted(points.items()), now)
        # A first span of which only the end was asked for would open at the wrong price.
        return [candle for candle in candles if start <= candle.opened_at < end]

    def quotes(self, tokens: Sequence[Token]) -> list[Quote]:
        """The newest price of each token that CoinGecko knows; a row that makes no sense is noted and left out.

        Raises:
            RateLimited, Unavailable, BadPayload: see there.
        """
        return self._noted.understood(self._markets(tokens), _quote)

    def metadata(self, tokens: Sequence[Token]) -> list[Metadata]:
        """Rank, supply, logo and all-time extremes of each token that CoinGecko knows; nonsense as in `quotes`.

        Raises:
            RateLimited, Unavailable, BadPayload: see there.
        """
        now = self._clock()
        return self._noted.understood(
            self._markets(tokens), lambda token, row: _metadata(token, row, now)
        )

    def take_problems(self) -> list[ProviderError]:
        """Rows and points that made no sense, since the last call."""
        return self._noted.take()

    def _coin(self, token: Token) -> str:
        if token.coingecko_id is None:
            raise NotListed(NAME, f"{token.symbol} has no CoinGecko id")
        return token.coingecko_id

    def _markets(self, tokens: Sequence[Token]) -> Iterator[tuple[Token, Any]]:
        by_coin: dict[Any, Token] = {
            token.coingecko_id: token for token in tokens if token.coingecko_id
        }
        coins = list(by_coin)
        for first in range(0, len(coins), _PAGE):
            page = coins[first : first + _PAGE]
            rows = self._get(
                "/coins/markets",
                vs_currency="usd",
                ids=",".join(page),
                per_page=str(_PAGE),
                precision="18",
            )
            if not isinstance(rows, list):
                raise BadPayload(NAME, "markets are no list", repr(rows))
            for row in rows:
                if not isinstance(row, dict):
                    self._noted.note("a row is no object", row)
                elif (token := by_coin.get(str(row.get("id")))) is not None:
                    yield token, row

    def _points(
        self, token: Token, coin: str, start: datetime, end: datetime
    ) -> dict[datetime, Decimal]:
        answer = self._get(
            f"/coins/{coin}/market_chart/range",
            vs_currency="usd",
            **{"from": str(int(start.timestamp())), "to": str(int(end.timestamp()))},
            precision="18",
        )
        rows = answer.get("prices") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise BadPayload(NAME, "price points are no list", repr(answer))
        return dict(self._noted.readable(((token, row) for row in rows), _point))

    def _get(self, path: str, **parameters: str) -> Any:
        """The decoded answer, fractions as `Decimal`."""
        self._bucket.take()
        try:
            response = self._client.get(self._url + path, params=parameters, headers=self._headers)
        except httpx2.HTTPError as error:
            raise Unavailable(NAME, f"{type(error).__name__}: {error}") from error
        _refuse_failure(response, path, self._clock())
        if len(response.content) > _LARGEST_ANSWER:
            raise BadPayload(NAME, f"an answer of {len(response.content)} bytes", response.text)
        try:
            return untrusted_json.decode(response.content, partial(json.loads, parse_float=Decimal))
        except ValueError as error:
            raise BadPayload(NAME, f"{path}: the answer is not JSON", response.text) from error


def _refuse_failure(response: httpx2.Response, path: str, now: datetime) -> None:
    """Turn a status that is no success into the error that it means."""
    status = response.status_code
    if response.is_success:
        return
    if status == _TOO_MANY:
        raise RateLimited(NAME, "too many calls", asked_pause(response.headers, now))
    if status == _NOT_FOUND:
        raise NotListed(NAME, f"{path}: not found")
    if str(_BEYOND_PLAN) in response.text:
        earliest = now - _WINDOW + timedelta(hours=1)
        raise OutsideWindow(NAME, f"the plan reaches back to {earliest:%Y-%m-%d}", earliest)
    raise Unavailable(NAME, f"{path}: HTTP status {status}", asked_pause(response.headers, now))


def _candles(
    token: Token, interval: Interval, points: Sequence[tuple[datetime, Decimal]], now: datetime
) -> Iterator[Candle]:
    length = interval.duration

    def start_of(point: tuple[datetime, Decimal]) -> datetime:
        moment = point[0].replace(minute=0, second=0, microsecond=0)
        return moment.replace(hour=0) if interval is Interval.DAY else moment

    for opened_at, group in groupby(points, key=start_of):
        prices = [price for _, price in group]
        if len(prices) < _FEWEST_POINTS:
            continue
        yield Candle(
            token.id,
            interval,
            opened_at,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            None,
            NAME,
            opened_at + length <= now,
            now,
        )


def _point(_: Token, row: Any) -> tuple[datetime, Decimal] | None:
    """An instant and its price; CoinGecko writes zero and null where it does not know."""
    moment, price = row
    if not price:
        return None
    known = rounded(price)
    if not known > 0 or not known.is_finite():
        raise ValueError(f"a price of {price}")
    return from_milliseconds(moment), known


def _quote(token: Token, row: Any) -> Quote | None:
    if row["current_price"] is None:
        return None
    change = row["price_change_percentage_24h"]
    return Quote(
        token_id=token.id,
        price=rounded(row["current_price"]),
        volume_24h=_known(row["total_volume"]),
        market_cap=_known(row["market_cap"]),
        change_24h=None if change is None else rounded(change),
        source=NAME,
        observed_at=_moment(row["last_updated"]),
    )


def _metadata(token: Token, row: Any, now: datetime) -> Metadata:
    return Metadata(
        token_id=token.id,
        logo_url=logo(row["image"]),
        market_cap_rank=_rank(row["market_cap_rank"]),
        circulating_supply=_known(row["circulating_supply"]),
        total_supply=_known(row["total_supply"]),
        max_supply=_known(row["max_supply"]),
        all_time_high=_known(row["ath"]),
        all_time_high_at=row["ath_date"] and _moment(row["ath_date"]),
        all_time_low=_known(row["atl"]),
        all_time_low_at=row["atl_date"] and _moment(row["atl_date"]),
        source=NAME,
        observed_at=now,
    )


def _rank(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"a rank of {value!r}")


def _known(value: Any) -> Decimal | None:
    """A price, cap, volume or supply; CoinGecko writes zero where it does not know."""
    if value is None or value == 0:
        return None
    return rounded(value)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
