"""OpenFeature's provider over rules from PostgreSQL: it decides in the process, without a request."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import (
    FlagNotFoundError,
    InvalidContextError,
    ParseError,
    TargetingKeyMissingError,
    TypeMismatchError,
)
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from coinsphere import log
from coinsphere.flags import rules
from coinsphere.flags.catalogue import CATALOGUE, OFF, ON, Flag
from coinsphere.flags.repository import Stored
from coinsphere.flags.rules import Asked, BadRules, Rule

VERSION = "version"
"""The name under which an answer says of which version of its rules it is."""

_log = log.get("flags")
Value = TypeVar("Value", bool, str)


class RulesProvider(AbstractProvider):
    """Decides by the rules that it learned last. Its errors make OpenFeature answer with the caller's default."""

    def __init__(self) -> None:
        super().__init__()
        self._known: Mapping[str, tuple[int, tuple[Rule, ...] | BadRules]] = {}

    def learn(self, stored: Mapping[str, Stored]) -> None:
        """Decide by these rules from now on; a flag with invalid rules gives its default, and no other is affected."""
        known = {key: (each.version, each.parsed()) for key, each in stored.items()}
        for key, (version, parsed) in known.items():
            if isinstance(parsed, BadRules) and self._known.get(key, (0,))[0] != version:
                _log.warning("bad rules", flag=key, version=version, error=str(parsed))
        self._known = known

    def tells_apart(self, flag: Flag) -> bool:
        """Whether two users of one plan may be given different variants."""
        _, parsed = self._known.get(flag.key, (0, ()))
        return not isinstance(parsed, BadRules) and any(rule.is_by_user for rule in parsed)

    def get_metadata(self) -> Metadata:
        """Its name in logs of the SDK."""
        return Metadata("PostgreSQL")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The name of the variant."""
        flag = _flag(flag_key)
        return self._resolved(
            flag, default_value, evaluation_context, {v: v for v in flag.variants}
        )

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """The value of a flag whose variants are on and off."""
        flag = _flag(flag_key)
        if set(flag.variants) != {ON, OFF}:
            _refuse(flag_key)
        return self._resolved(flag, default_value, evaluation_context, {ON: True, OFF: False})

    def _of_another_type(self, flag_key: str, *_: Any, **__: Any) -> NoReturn:
        """No flag is a number or an object."""
        _refuse(flag_key)

    resolve_integer_details = resolve_float_details = resolve_object_details = _of_another_type

    def _resolved(
        self,
        flag: Flag,
        default: Value,
        context: EvaluationContext | None,
        values: Mapping[str, Value],
    ) -> FlagResolutionDetails[Value]:
        version, parsed = self._known.get(flag.key, (0, ()))
        if isinstance(parsed, BadRules):
            raise ParseError(str(parsed))
        decided = rules.decide(flag, parsed, _asked(context)) if parsed else None
        if decided is None:
            return FlagResolutionDetails(default, reason=Reason.DEFAULT)
        return FlagResolutionDetails(
            values[decided.variant],
            variant=decided.variant,
            reason=Reason.SPLIT if decided.was_drawn else Reason.TARGETING_MATCH,
            flag_metadata={VERSION: version},
        )


def _flag(key: str) -> Flag:
    if key not in CATALOGUE:
        raise FlagNotFoundError(f"no flag is called {key!r}")
    return CATALOGUE[key]


def _asked(context: EvaluationContext | None) -> Asked:
    if context is None or context.targeting_key is None:
        raise TargetingKeyMissingError("rules are about users: whom is it for?")
    try:
        user_id = UUID(context.targeting_key)
    except ValueError:
        raise InvalidContextError("the targeting key is no id of a user") from None
    attributes = context.attributes
    return Asked(user_id, str(attributes.get("plan", "")), str(attributes.get("environment", "")))


def _refuse(key: str) -> NoReturn:
    raise TypeMismatchError(f"{key!r} is of another type")
