"""Rules of a flag: the users that each rule matches, and the variants that it gives them. Pure.

The first rule that fits decides. Who is in a share, and which variant they get, comes from a hash of flag and user, so
it stays the same for as long as the rules do, in every process, without a row for each user.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from coinsphere.errors import CoinsphereError
from coinsphere.flags.catalogue import Flag

Plan = Literal["free", "pro", "enterprise"]
Environment = Literal["local", "production"]
EVERYBODY = 100
Percent = Annotated[int, msgspec.Meta(ge=1, le=EVERYBODY)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class BadRules(CoinsphereError):
    """Rules are invalid; the message says which and why."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One rule: the conditions on users, all of which must hold, and the variants that matching users get.

    Attributes:
        weights: how often each variant is given, in proportion to the others; one alone: it is given to all.
        user_ids: these accounts; empty: any.
        plans: accounts of these plans; empty: any.
        environments: installations of these kinds; empty: any.
        share: of these users so many percent, by a hash that is stable; a larger share holds those of a smaller one.
    """

    weights: dict[str, Weight]
    user_ids: tuple[UUID, ...] = ()
    plans: tuple[Plan, ...] = ()
    environments: tuple[Environment, ...] = ()
    share: Percent = EVERYBODY

    @property
    def shares(self) -> dict[str, float]:
        """The share of matching users that gets each variant."""
        whole = sum(self.weights.values())
        return {variant: weight / whole for variant, weight in self.weights.items() if weight}

    @property
    def splits(self) -> bool:
        """Whether chance decides between several variants: matching users then take part in an experiment."""
        return len(self.shares) > 1

    @property
    def is_by_user(self) -> bool:
        """Whether it asks who a user is: by name, or by a share or a draw that hangs on their id."""
        return bool(self.user_ids) or self.share < EVERYBODY or self.splits

    @property
    def is_for_all(self) -> bool:
        """Whether the rule matches everybody, so that no rule after it is reached."""
        return not (self.user_ids or self.plans or self.environments) and self.share == EVERYBODY


@dataclass(frozen=True, slots=True)
class Asked:
    """The user and the place that a flag is evaluated for."""

    user_id: UUID
    plan: str
    environment: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The variant of a rule; `was_drawn` where chance chose between several."""

    variant: str
    was_drawn: bool


def parse(flag: Flag, data: Any) -> tuple[Rule, ...]:
    """Parse the rules of a flag from JSON. Raises `BadRules`: which rule is wrong, and why."""
    try:
        rules = msgspec.convert(data, tuple[Rule, ...])
    except msgspec.ValidationError as error:
        raise BadRules(str(error)) from None
    check(flag, rules)
    return rules


def check(flag: Flag, rules: Sequence[Rule]) -> None:
    """Refuse rules that decide nothing, or of which two draw between variants. Raises `BadRules`."""
    for number, rule in enumerate(rules, 1):
        unknown = sorted(set(rule.weights) - set(flag.variants))
        if unknown:
            known = ", ".join(flag.variants)
            raise BadRules(
                f"rule {number}: {unknown[0]!r} is no variant of the flag; it has {known}"
            )
        if not any(rule.weights.values()):
            raise BadRules(f"rule {number}: no variant has a weight above 0")
        if rule.is_for_all and number < len(rules):
            raise BadRules(f"rule {number} is for everybody, so rule {number + 1} decides nothing")
    if sum(rule.splits for rule in rules) > 1:
        raise BadRules("two rules draw between variants: an experiment is one of them alone")


def decide(flag: Flag, rules: Sequence[Rule], asked: Asked) -> Decision | None:
    """The decision of the first rule that matches; None where none does."""
    for rule in rules:
        if _fits(flag, rule, asked):
            return Decision(_drawn(flag, rule, asked.user_id), rule.splits)
    return None


def position(flag: Flag, purpose: str, user_id: UUID) -> float:
    """A user's position between 0 and 1: evenly spread, and independent between flags and purposes."""
    digest = hashlib.sha256(f"{flag.key}/{purpose}/{user_id}".encode()).digest()
    # 53 bits are what a float holds exactly, so 1 itself is never reached.
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def _fits(flag: Flag, rule: Rule, asked: Asked) -> bool:
    return (
        (not rule.user_ids or asked.user_id in rule.user_ids)
        and (not rule.plans or asked.plan in rule.plans)
        and (not rule.environments or asked.environment in rule.environments)
        and position(flag, "share", asked.user_id) * EVERYBODY < rule.share
    )


def _drawn(flag: Flag, rule: Rule, user_id: UUID) -> str:
    """The variant in whose part of the line the user lies; the flag's order, not that of the JSON, divides it."""
    shares, at = rule.shares, position(flag, "variant", user_id)
    ordered = [variant for variant in flag.variants if variant in shares]
    for variant in ordered[:-1]:
        at -= shares[variant]
        if at < 0:
            return variant
    return ordered[-1]
