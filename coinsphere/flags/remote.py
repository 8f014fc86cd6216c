"""Flags of another server by OpenFeature's remote protocol (OFREP), which decides in our place.

https://openfeature.dev/specification/appendix-c
"""

from dataclasses import replace

from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, GeneralError, OpenFeatureError, ParseError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason

from coinsphere.flags.catalogue import CATALOGUE
from coinsphere.flags.provider import VERSION
from coinsphere.network.circuit_breaker import CircuitBreaker

TIMEOUT = 1.0
"""Seconds that one question may take: mails of alerts wait for it."""
_FAILURES, _REST_SECONDS = 3, 30.0


class RemoteProvider(OFREPProvider):
    """Asks a flag server, and pauses when it does not answer. Its errors make OpenFeature answer with defaults.

    Args:
        url: of the server, without `/ofrep/v1`.
        token: sent as its bearer, where it wants one.
    """

    def __init__(self, url: str, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(url, headers_factory=lambda: headers, timeout=TIMEOUT)
        self._breaker = CircuitBreaker("flags", _FAILURES, _REST_SECONDS)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The name of the variant, which is one of the catalogue's."""
        details = self._asked(flag_key, default_value, evaluation_context)
        if details.value not in CATALOGUE[flag_key].variants:
            raise ParseError(f"{flag_key!r} has no variant {details.value!r}")
        return _without_experiment(details)

    def _asked(
        self, flag_key: str, default_value: str, context: EvaluationContext | None
    ) -> FlagResolutionDetails[str]:
        if not self._breaker.admit():
            raise GeneralError("the server of flags is left alone for a while")
        try:
            details = super().resolve_string_details(flag_key, default_value, context)
        except FlagNotFoundError:
            self._breaker.succeeded()
            raise
        except OpenFeatureError:
            self._breaker.failed()
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # The package takes it for granted that an answer has all its members.
            self._breaker.failed()
            raise ParseError(f"no answer of the protocol: {error}") from error
        self._breaker.succeeded()
        return details


def _without_experiment(details: FlagResolutionDetails[str]) -> FlagResolutionDetails[str]:
    """A draw without the version of its rules is nobody's experiment: what is compared would not be known."""
    has_version = isinstance(details.flag_metadata.get(VERSION), int)
    is_nameless = details.reason == Reason.SPLIT and not has_version
    return replace(details, reason=Reason.TARGETING_MATCH) if is_nameless else details
