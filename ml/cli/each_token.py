"""The same work for one token after another: what fails for one of them holds up none of the others."""

from collections.abc import Callable, Iterable

from psycopg import OperationalError

from coinsphere import log
from coinsphere.errors import CoinsphereError

_log = log.get("ml.cli")


class SomeFailed(CoinsphereError):
    """The work failed for the tokens that the message names, each with its reason; it was done for the others."""


def of_each(symbols: Iterable[str], act: Callable[[str], None]) -> list[str]:
    """Call the function for each token; returns the failures, one line a token.

    Raises:
        OperationalError: the database is away, which no other token would find otherwise.
    """
    failed = []
    for symbol in symbols:
        try:
            act(symbol)
        except OperationalError:
            raise
        except CoinsphereError as error:
            failed.append(f"{symbol}: {error}")
        except Exception as error:  # noqa: BLE001 - what it was is logged, and the command fails
            _log.exception("token_failed", symbol=symbol)
            failed.append(f"{symbol}: {type(error).__name__}: {error}")
    return failed


def require_none(failed: list[str], total: int) -> None:
    """End a command with the failures, if there are any. Raises `SomeFailed`."""
    if failed:
        listed = "\n".join(f"  {each}" for each in failed)
        raise SomeFailed(f"{len(failed)} of {total} failed:\n{listed}")
