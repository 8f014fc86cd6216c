"""A ccxt client that reads public prices strictly: it drops nothing silently, and makes nothing up."""

from typing import Any
from urllib.parse import urlsplit

import ccxt

from coinsphere.errors import BadPayload
from coinsphere.market.sources.rows import NONSENSE, Noted
from coinsphere.parsing import untrusted_json

SPOT_ONLY = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}


def build(name: str, base_url: str | None, timeout_ms: int, noted: Noted) -> Any:
    """Ccxt's client of the exchange `name`.

    Args:
        name: as ccxt calls it.
        base_url: of a server that stands in for it; None: the exchange itself.
        timeout_ms: of each request.
        noted: gets the tickers and candles that make no sense.
    """
    strict = type(f"Strict_{name}", (_Strict, getattr(ccxt, name)), {})
    client = strict(
        {
            "enableRateLimit": True,
            "timeout": timeout_ms,
            "options": {**SPOT_ONLY, "maxRetriesOnFailure": 0},
            "quoteJsonNumbers": True,
        }
    )
    # Deposit networks and the like: up to three calls for nothing.
    client.has["fetchCurrencies"] = False
    client.number = str
    client.noted = noted
    # A price comes from the host that was asked, or not at all.
    client.session.max_redirects = 0
    if base_url is not None:
        client.urls["api"] = moved(client.urls["api"], f"{base_url.rstrip('/')}/{name}")
    return client


class _Strict:
    """Refuses values that ccxt would drop or make up."""

    id: str
    noted: Noted

    def fetch(self, *arguments: Any, **keywords: Any) -> Any:
        """As ccxt's, but a page of HTML is an error."""
        answer = super().fetch(*arguments, **keywords)  # type: ignore[misc]
        if isinstance(answer, str | bytes):
            text = answer if isinstance(answer, str) else answer.decode(errors="replace")
            raise BadPayload(self.id, "the answer is not JSON", text)
        return answer

    def parse_json(self, http_response: str) -> Any:
        """As ccxt's; what is nested so deep that its parser might end the process is no JSON."""
        try:
            return untrusted_json.decode(http_response, super().parse_json)  # type: ignore[misc]
        except ValueError:
            return None

    def safe_ticker(self, ticker: dict[str, Any], market: Any = None) -> dict[str, Any]:
        """As ccxt's, which makes up a missing price from the open and the change, and takes midnight's open for that."""
        own_values = {name: ticker.get(name) for name in ("last", "percentage", "quoteVolume")}
        completed: dict[str, Any] = super().safe_ticker(ticker, market)  # type: ignore[misc]
        return completed | own_values

    def parse_ticker(self, ticker: Any, market: Any = None) -> dict[str, Any]:
        """As ccxt's, but a ticker that it stumbles over is noted and none, and takes no other with it."""
        try:
            parsed: dict[str, Any] = super().parse_ticker(ticker, market)  # type: ignore[misc]
        except (ccxt.BaseError, *NONSENSE) as error:
            self.noted.note(f"a ticker makes no sense ({type(error).__name__}: {error})", ticker)
            return {"symbol": None}
        return parsed

    def parse_ohlcv(self, ohlcv: Any, market: Any = None) -> list[Any]:
        """As ccxt's, but a row that it stumbles over, or would drop for want of a time, is noted."""
        try:
            row: list[Any] = super().parse_ohlcv(ohlcv, market)  # type: ignore[misc]
        except (ccxt.BaseError, *NONSENSE) as error:
            self.noted.note(f"a candle makes no sense ({type(error).__name__}: {error})", ohlcv)
            return [None] * 6
        if row[0] is None:
            self.noted.note("a candle has no time", ohlcv)
        return row


def moved(urls: Any, base: str) -> Any:
    """The same URLs below another base address, those of WebSockets included."""
    if isinstance(urls, str):
        parts = urlsplit(urls)
        is_socket = parts.scheme in {"ws", "wss"}
        return (f"ws{base.removeprefix('http')}" if is_socket else base) + parts.path
    return {key: moved(url, base) for key, url in urls.items()}
