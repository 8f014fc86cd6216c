"""The meanings of row kinds, for the tables of `programs`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from coinsphere.portfolio.model import Kind


class Way(StrEnum):
    """The side that a row's amount is on: bought or sold, by its sign, received or sent, or a fee alone."""

    BOUGHT = "bought"
    SOLD = "sold"
    SIGNED = "signed"
    TRADED = "traded"
    MOVED = "moved"
    COMES = "comes"
    GOES = "goes"
    COSTS = "costs"


class At(NamedTuple):
    """The place of an amount and of its asset; without `asset` that stands beside the number, as in `0.5 BTC`."""

    number: str
    asset: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """A kind of row: which way its amount went, and what it is where it came or went without a counterpart.

    Without `pays`, a fee that the row tells was paid by somebody else. `worth` is where the other side of a trade of this kind
    stands, where that is elsewhere than of others. `caution` is what to know of rows that are booked.
    """

    way: Way
    come: Kind = Kind.TRANSFER_IN
    go: Kind = Kind.TRANSFER_OUT
    pays: bool = True
    caution: str | None = None
    worth: At | None = None


Kinds = dict[str, Meaning | str]
"""Kinds in lower case by their meaning; a text says why rows of it mean nothing for what is held."""

BOUGHT, SOLD = Meaning(Way.BOUGHT), Meaning(Way.SOLD)
SIGNED = Meaning(Way.SIGNED)
"""Bought where the amount is above zero, sold where it is below."""
TRADED = Meaning(Way.TRADED)
"""What left and what came stand in columns of their own."""
COSTS = Meaning(Way.COSTS, go=Kind.FEE)
"""Nothing but the fee left."""
MOVED = Meaning(Way.MOVED)
"""Came where the amount is above zero, left where it is below."""


def bought_for(worth: At) -> Meaning:
    """Bought for what stands there."""
    return Meaning(Way.BOUGHT, worth=worth)


def sold_for(worth: At) -> Meaning:
    """Sold for what stands there."""
    return Meaning(Way.SOLD, worth=worth)


def comes(
    kind: Kind = Kind.TRANSFER_IN, *, pays: bool = True, caution: str | None = None
) -> Meaning:
    """The row's amount was received, as this kind."""
    return Meaning(Way.COMES, come=kind, pays=pays, caution=caution)


def goes(kind: Kind = Kind.TRANSFER_OUT) -> Meaning:
    """The row's amount left, as this kind."""
    return Meaning(Way.GOES, go=kind)


def either(come: Kind, go: Kind) -> Meaning:
    """As `MOVED`, of a kind by its sign."""
    return Meaning(Way.MOVED, come, go)


def all_of(meaning: Meaning | str, *kinds: str) -> Kinds:
    """The same meaning for several kinds."""
    return dict.fromkeys(kinds, meaning)
