"""Wraps ccxt for accounts: numbers as strings, our errors, one rate limit an exchange, and nonces from the database.

ccxt is imported by the function that needs it: it takes half a second, and most processes never call an exchange.
"""

import json
import logging
import random
import re
import time
from collections.abc import Callable
from decimal import InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.errors import BadPayload, ProviderError, RateLimited, Unavailable
from coinsphere.exchanges.api.limits import Limits
from coinsphere.exchanges.api.rate_limit import RateLimit
from coinsphere.exchanges.errors import CircuitOpen, KeyRefused, PermissionMissing
from coinsphere.exchanges.model import Credentials
from coinsphere.network.retry_after import asked_pause
from coinsphere.parsing import untrusted_json

TIMEOUT_MS = 10_000
"""Of each single wait for the exchange."""
LONGEST_SECONDS = 30.0
"""From a request to the last byte of its answer, however often something came in between."""
ATTEMPTS = 3
_NONSENSE = (TypeError, ValueError, KeyError, IndexError, AttributeError, InvalidOperation)
_SECRET = re.compile(r"(signature|sign|apiKey|api_key|token)=[^&\s\"']+", re.IGNORECASE)

_SILENT = logging.getLogger("coinsphere.silent")
_SILENT.disabled = True

_log = log.get("exchanges")


class Client:
    """One account's way to its exchange. `api` is ccxt's client, for its parsers; calls go through `call`."""

    def __init__(
        self,
        api: Any,
        limits: Limits,
        secrets: Credentials,
        sleep: Callable[[float], None],
        patience: float,
    ) -> None:
        self.api = api
        self.calls = 0
        self._limits, self._secrets, self._sleep, self._patience = limits, secrets, sleep, patience

    def close(self) -> None:
        """Close the connections."""
        self.api.session.close()

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Call one of ccxt's methods; a passing failure is retried up to three times, as every call only reads.

        Raises:
            KeyRefused: the exchange does not accept the key.
            RateLimited, Unavailable, BadPayload: see there.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(method, params or {})
            except (RateLimited, Unavailable) as error:
                wait = _wait(error, attempt)
                is_left_alone = isinstance(error, CircuitOpen)
                if attempt == ATTEMPTS or wait > self._patience or is_left_alone:
                    raise
                _log.info("exchange asked again", exchange=self.api.id, wait=wait, error=str(error))
                self._sleep(wait)
        raise AssertionError("unreachable")

    def markets(self) -> dict[str, Any]:
        """The exchange's markets by ccxt's symbol; asked for once."""
        if not self.api.markets:
            self.call("load_markets")
        return dict(self.api.markets)

    def parse(self, parser: str, row: Any) -> Any:
        """One of ccxt's parsers.

        Raises:
            BadPayload: the row makes no sense.
        """
        try:
            return getattr(self.api, parser)(row)
        except _NONSENSE as error:
            raise BadPayload(self.api.id, f"a row makes no sense ({error})", repr(row)) from error

    def _once(self, method: str, params: dict[str, Any]) -> Any:
        breaker = self._limits.breaker
        breaker.admit()
        self.calls += 1
        try:
            answer = self._translated(method, params)
        except Unavailable as error:
            breaker.failed()
            if error.retry_after:
                breaker.rest(error.retry_after)
            raise
        except RateLimited as error:
            if error.retry_after:
                breaker.rest(error.retry_after)
            raise
        except ProviderError:
            # It answered, though not as we wish.
            breaker.succeeded()
            raise
        breaker.succeeded()
        return answer

    def _translated(self, method: str, params: dict[str, Any]) -> Any:
        import ccxt  # noqa: PLC0415  half a second that only the first call should take

        function = getattr(self.api, method)
        try:
            return function() if method == "load_markets" else function(params)
        except ProviderError:
            raise
        except ccxt.BaseError as error:
            raise self._ours(ccxt, error) from None
        except _NONSENSE as error:
            raise BadPayload(self.api.id, f"cannot be understood ({error})") from None

    def _ours(self, ccxt: Any, error: Exception) -> ProviderError:
        """The error of ccxt as one of ours, without its cause: ccxt's messages hold addresses with signatures."""
        venue, message = self.api.id, f"{type(error).__name__}: {self._clean(str(error))}"
        if isinstance(error, ccxt.PermissionDenied):
            return PermissionMissing(venue, message)
        if isinstance(error, ccxt.AuthenticationError):
            return KeyRefused(venue, message)
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
            return RateLimited(venue, "asks to be called less often", self._retry_after())
        if isinstance(error, ccxt.OperationFailed) and not isinstance(error, ccxt.BadResponse):
            _log.info("exchange failed", exchange=venue, error=message)
            return Unavailable(venue, _why(ccxt, error), self._retry_after())
        return BadPayload(venue, message)

    def _clean(self, text: str) -> str:
        secrets = (self._secrets.api_key, self._secrets.api_secret, self._secrets.passphrase)
        for secret in secrets:
            if secret:
                text = text.replace(secret, "…")
        return _SECRET.sub(r"\1=…", text)[:300]

    def _retry_after(self) -> float | None:
        return asked_pause(self.api.last_response_headers or {}, utc_now())


def connect(
    venue: str,
    credentials: Credentials,
    limits: Limits,
    nonce: Callable[[], int],
    *,
    base_url: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = 60.0,
) -> Client:
    """A client of an account.

    Args:
        venue: ccxt's id of the exchange.
        credentials: the account's.
        limits: the exchange's.
        nonce: gives the key's next nonce, for exchanges that want them to grow.
        base_url: takes the place of every address of the exchange; the path then begins with its id.
        sleep: how to wait.
        patience: the longest that a call waits to be made again, in seconds.
    """
    import ccxt  # noqa: PLC0415  see above

    kind = type(f"Account_{venue}", (_Account, getattr(ccxt, venue)), {})
    api = kind(_configuration(venue, credentials))
    api.has["fetchCurrencies"] = venue == "kraken"  # without them it does not know its own names
    api.number = str
    # At the level DEBUG ccxt's own logger writes keys and signatures.
    api.logger = _SILENT
    api.shared_rate, api.next_nonce = limits.rate, nonce
    # Unknown to ccxt, which would take it for a fault of the exchange.
    api.exceptions.setdefault("exact", {})["EAPI:Invalid signature"] = ccxt.AuthenticationError
    if base_url is not None:
        api.urls["api"] = _moved(api.urls["api"], f"{base_url.rstrip('/')}/{venue}")
    return Client(api, limits, credentials, sleep, patience)


def _configuration(venue: str, credentials: Credentials) -> dict[str, Any]:
    """The configuration that ccxt's class is built with."""
    from coinsphere.exchanges.api.response_limits import BoundedSession  # noqa: PLC0415  it brings requests

    return {
        "apiKey": credentials.api_key,
        "secret": credentials.api_secret,
        "password": credentials.passphrase or "",
        "enableRateLimit": True,
        "timeout": TIMEOUT_MS,
        "session": BoundedSession(venue, LONGEST_SECONDS),
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
            "maxRetriesOnFailure": 0,
            "adjustForTimeDifference": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
        "quoteJsonNumbers": True,
    }


class _Account:
    """Mixed into ccxt's class."""

    id: str
    rateLimit: float  # noqa: N815  ccxt's name
    shared_rate: RateLimit
    next_nonce: Callable[[], int]

    def throttle(self, cost: float | None = None) -> None:
        """Wait for the exchange's budget, which all accounts share."""
        self.shared_rate.take(self.rateLimit * (1 if cost is None else cost) / 1000)

    def incrementing_nonce(self) -> int:
        """The key's next nonce, of all processes."""
        return self.next_nonce()

    def sign(self, *arguments: Any, **keywords: Any) -> Any:
        """As ccxt's; a secret that is no base64 or no key file cannot sign anything."""
        try:
            return super().sign(*arguments, **keywords)  # type: ignore[misc]
        except _NONSENSE:
            raise KeyRefused(self.id, "the key or its secret is malformed") from None

    def fetch(self, *arguments: Any, **keywords: Any) -> Any:
        """As ccxt's, but what is not JSON is an error."""
        answer = super().fetch(*arguments, **keywords)  # type: ignore[misc]
        if isinstance(answer, str | bytes):
            raise BadPayload(self.id, "the answer is not JSON")
        return answer

    def parse_json(self, http_response: str) -> Any:
        """The answer with every decimal as its text: ccxt's own would make floats of them."""
        try:
            return untrusted_json.decode(http_response, partial(json.loads, parse_float=str))
        except ValueError:
            return None


def _why(ccxt: Any, error: Exception) -> str:
    if isinstance(error, ccxt.RequestTimeout):
        return "did not answer in time"
    if isinstance(error, ccxt.ExchangeNotAvailable):
        return "has a fault of its own, or is being worked on"
    return "could not be reached, or broke off its answer"


def _wait(error: RateLimited | Unavailable, attempt: int) -> float:
    """Seconds until the next attempt, longer each time and never the same for two callers."""
    asked = error.retry_after
    return asked if asked is not None else 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret  # nosec B311


def _moved(urls: Any, base: str) -> Any:
    """The same addresses below `base`, for a server that stands in for the exchange."""
    if isinstance(urls, str):
        return base + urlsplit(urls.replace("{hostname}", "host")).path
    return {key: _moved(url, base) for key, url in urls.items()}
