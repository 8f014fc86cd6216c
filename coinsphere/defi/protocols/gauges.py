"""Gauges of Curve and of protocols that adopted them, like Balancer: rewards of stakes that were not claimed."""

from collections.abc import Sequence
from typing import NamedTuple

from coinsphere.chains.multicall import Call, Plan, grouped
from coinsphere.defi.model import Position, PositionKind, coin_or

_MOST_TOKENS = 8
"""Tokens that a gauge gives beside the protocol's own, by its contract."""


class Stake(NamedTuple):
    """A stake in a gauge; `group` groups it with the positions that belong to it."""

    group: str
    gauge: str


class Earned(NamedTuple):
    """The rewards of stakes; `is_whole` is False where a gauge did not answer."""

    positions: tuple[Position, ...]
    is_whole: bool


def earned(owner: str, stakes: Sequence[Stake], token: str) -> Plan[Earned]:
    """Plan: the rewards in the protocol's own `token` and in all others, by gauge and token."""
    rows = yield from grouped([_rewards(gauge, owner) for _, gauge in stakes])
    extra = [
        (stake, str(row[0]))
        for stake, (_, *tokens) in zip(stakes, rows, strict=True)
        for row in tokens
        if row is not None and coin_or(row[0])
    ]
    more = yield [
        Call(gauge, "claimable_reward(address,address)", (owner, reward))
        for (_, gauge), reward in extra
    ]
    owed = [(stake, token, row[0]) for stake, row in zip(stakes, rows, strict=True)]
    owed += [(stake, reward, row) for (stake, reward), row in zip(extra, more, strict=True)]
    positions = tuple(
        Position(f"{group}:earned:{reward}", PositionKind.REWARD, reward, int(row[0]), {"group": group})
        for (group, _), reward, row in owed
        if row is not None and row[0] > 0
    )  # fmt: skip
    return Earned(positions, all(row is not None for *_, row in owed))


def _rewards(gauge: str, owner: str) -> list[Call]:
    """What is owed of the protocol's own token, and the names of the others."""
    return [
        Call(gauge, "claimable_tokens(address)", (owner,)),
        *(
            Call(gauge, "reward_tokens(uint256)", (number,), ("address",))
            for number in range(_MOST_TOKENS)
        ),
    ]
