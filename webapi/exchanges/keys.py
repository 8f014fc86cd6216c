"""Asks an exchange about a key in a request; this process cannot open stored keys."""

from flask import current_app

from coinsphere import log
from coinsphere.errors import ProviderError
from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.errors import KeyRefused, KeyTooPowerful
from coinsphere.exchanges.model import Credentials, KeyInfo, Verdict
from coinsphere.exchanges.venues.all import VENUES
from webapi.exchanges.schemas import ExchangeKeyIn
from webapi.http import errors
from webapi.services import services

_EXTENSION = "coinsphere_exchanges"
_log = log.get("webapi")

MESSAGES = {
    Verdict.READ_ONLY: "The key works and can only read.",
    Verdict.CAN_TRADE: "The key works. It can trade, which you allowed.",
    Verdict.UNKNOWN: "The key works. Its exchange does not tell what else it may do: we cannot verify that it can only "
    "read.",
}


def look_at(body: ExchangeKeyIn) -> tuple[Credentials, KeyInfo]:
    """The credentials in a request, and their permissions by the exchange.

    Raises:
        errors.Problem: 400 where the key is refused or the passphrase missing, 503 where the exchange is away.
    """
    venue = VENUES[body.exchange]
    if venue.requires_passphrase and not body.passphrase:
        message = f"{venue.name} keys have a passphrase"
        raise errors.invalid([{"path": "passphrase", "message": message, "code": "missing"}])
    secret = Credentials(body.api_key, body.api_secret, body.passphrase)
    work = services()
    try:
        return secret, _accounts().look_at(work.database.connection, body.exchange, secret)
    except KeyRefused:
        raise errors.Problem(
            400,
            "the exchange refused the key",
            detail=f"{venue.name} does not accept this key from here: check key, secret, passphrase and its allowed "
            "addresses.",
            code="key-refused",
        ) from None
    except ProviderError as error:
        _log.warning("exchange not asked", exchange=body.exchange, error=str(error))
        raise errors.unavailable(
            f"{venue.name} cannot be asked now", code="exchange-unavailable"
        ) from None


def too_powerful(error: KeyTooPowerful) -> errors.Problem:
    """400 that names the permission that is too much."""
    code = "key-can-withdraw" if error.can_withdraw else "key-can-trade"
    return errors.Problem(400, "the key can do too much", detail=str(error), code=code)


def _accounts() -> Accounts:
    """The clients of exchanges in this process; they try once, as somebody waits for the answer."""
    work = services()
    known = current_app.extensions.get(_EXTENSION)
    if known is None:
        accounts = Accounts(
            work.settings.exchange_base_url,
            work.clock,
            patience=0,
            redis_url=work.settings.redis_dsn,
        )
        known = current_app.extensions.setdefault(_EXTENSION, accounts)
    assert isinstance(known, Accounts)
    return known
