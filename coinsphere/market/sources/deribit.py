"""Deribit: DVOL, the volatility of the next 30 days that its options imply, as closes of days.

Documented at https://docs.deribit.com (`public/get_volatility_index_data`): JSON-RPC over HTTP, newest candles first by
page; `continuation` is the `end_timestamp` of the next page, null on the last.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2

from coinsphere.clock import Clock
from coinsphere.errors import BadPayload, NotListed, ProviderError, RateLimited, Unavailable
from coinsphere.market.sources.moments import from_milliseconds, to_milliseconds
from coinsphere.market.sources.rows import Noted
from coinsphere.network.retry_after import asked_pause
from coinsphere.parsing import untrusted_json

NAME = "deribit"
FIRST_DAY = date(2021, 3, 24)
"""Of DVOL."""
CURRENCIES = ("BTC", "ETH")
"""Those that have a DVOL."""
PATIENCE = httpx2.Timeout(30.0, connect=5.0)
"""Seconds that one answer may take."""
_PATH = "/public/get_volatility_index_data"
_DAY = timedelta(days=1)
_MOST_PAGES = 100
_LARGEST_ANSWER = 20_000_000
_TOO_MANY = 429
_TOO_MANY_REQUESTS, _INVALID_PARAMS = 10028, -32602
"""Codes of its errors."""


@dataclass(frozen=True, slots=True)
class _Index:
    symbol: str


class Deribit:
    """Deribit as a source of implied volatility."""

    name = NAME

    def __init__(self, url: str, client: httpx2.Client, clock: Clock) -> None:
        self._url, self._client, self._clock = url.rstrip("/"), client, clock
        self._noted = Noted(NAME)

    def implied_volatility(self, currency: str, start: date, end: date) -> dict[date, float]:
        """DVOL at the close of each finished day in [start, end), in percent a year; ascending.

        A day's close is known when the next begins, as a candle's is. A row that makes no sense is noted and left out.

        Raises:
            NotListed: it has no index of the currency.
            RateLimited, Unavailable, BadPayload: see there.
        """
        known: dict[date, float] = {}
        until = min(_midnight(end), self._clock()) - timedelta(milliseconds=1)
        first = _midnight(start)
        for _ in range(_MOST_PAGES):
            rows, continued = self._page(currency, first, until)
            known |= self._closes(currency, rows)
            if continued is None or continued < first:
                self._noted.require(known)
                return dict(sorted(known.items()))
            if continued >= until:
                raise BadPayload(NAME, f"{currency}: a page is followed by one that is no older")
            until = continued
        raise BadPayload(NAME, f"{currency}: more than {_MOST_PAGES} pages")

    def take_problems(self) -> list[ProviderError]:
        """Rows that made no sense, since the last call."""
        return self._noted.take()

    def _page(
        self, currency: str, first: datetime, until: datetime
    ) -> tuple[Iterable[Any], datetime | None]:
        result = self._get(
            currency=currency,
            start_timestamp=str(to_milliseconds(first)),
            end_timestamp=str(to_milliseconds(until)),
            resolution="1D",
        )
        rows = result.get("data") if isinstance(result, dict) else None
        if not isinstance(rows, list):
            raise BadPayload(NAME, f"{currency}: candles are no list", repr(result))
        continued = result.get("continuation")
        try:
            return rows, None if continued is None else from_milliseconds(continued)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise BadPayload(NAME, f"{currency}: a continuation of {continued!r}") from error

    def _closes(self, currency: str, rows: Iterable[Any]) -> dict[date, float]:
        now, index = self._clock(), _Index(currency)
        closes = self._noted.readable(((index, row) for row in rows), lambda _, row: _close(row))
        return {day: close for day, close in closes if _midnight(day + _DAY) <= now}

    def _get(self, **parameters: str) -> Any:
        """The result of a call."""
        try:
            response = self._client.get(self._url + _PATH, params=parameters)
        except httpx2.HTTPError as error:
            raise Unavailable(NAME, f"{type(error).__name__}: {error}") from error
        if len(response.content) > _LARGEST_ANSWER:
            raise BadPayload(NAME, f"an answer of {len(response.content)} bytes", response.text)
        try:
            answer = untrusted_json.decode(response.content, json.loads)
        except ValueError as error:
            _refuse_status(response, self._clock())
            raise BadPayload(NAME, "the answer is not JSON", response.text) from error
        _refuse_error(answer, parameters["currency"])
        _refuse_status(response, self._clock())
        return answer.get("result") if isinstance(answer, dict) else None


def _refuse_status(response: httpx2.Response, now: datetime) -> None:
    if response.is_success:
        return
    failure = RateLimited if response.status_code == _TOO_MANY else Unavailable
    raise failure(NAME, f"HTTP status {response.status_code}", asked_pause(response.headers, now))


def _refuse_error(answer: Any, currency: str) -> None:
    """Turn JSON-RPC's error object into the error that it means."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return
    code, message = error.get("code"), str(error.get("message"))[:200]
    if code == _TOO_MANY_REQUESTS:
        raise RateLimited(NAME, message)
    if code == _INVALID_PARAMS:
        raise NotListed(NAME, f"{currency}: {message}")
    raise Unavailable(NAME, f"error {code}: {message}")


def _close(row: Any) -> tuple[date, float]:
    """The day of a candle, and its close."""
    moment, _, _, _, close = row
    opened = from_milliseconds(moment)
    if opened != _midnight(opened.date()):
        raise ValueError(f"a day that begins at {opened:%H:%M}")
    percent = float(close)
    if not math.isfinite(percent) or percent <= 0:
        raise ValueError(f"a volatility of {close}")
    return opened.date(), percent


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
