"""Simulated deposits and yields of DeFi protocols, for a simulated market: the same seed and day give the same figures.

Round numbers of the kind that each protocol is known for, moved by slow waves. They are marked as simulated wherever
they are shown, as prices are.
"""

import math
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from coinsphere.defi.defillama import Pool, Snapshot
from coinsphere.market.origin import SIMULATED
from coinsphere.market.simulation.streams import generator

_AMPLITUDE = 0.25
"""How far a figure wanders from its usual size, as a log return."""
_SHORTEST, _LONGEST = 120, 720
"""Days of a wave."""
_CENT, _BASIS_POINT = Decimal("0.01"), Decimal("0.0001")


class _Usual(NamedTuple):
    """US dollars in a protocol, and its largest pools: what they hold, their share of it, their yield in percent a year."""

    tvl: float
    pools: tuple[tuple[str, float, float], ...]


_USUAL = {
    "uniswap-v3": _Usual(2.5e9, (("USDC-WETH", 0.12, 12.0), ("WBTC-WETH", 0.08, 5.0))),
    "aave-v3": _Usual(2.2e10, (("WETH", 0.25, 1.9), ("USDC", 0.12, 4.1), ("WBTC", 0.15, 0.05))),
    "compound-v2": _Usual(2e8, (("ETH", 0.3, 0.8), ("USDC", 0.2, 2.4))),
    "curve": _Usual(2.1e9, (("DAI-USDC-USDT", 0.08, 1.1), ("ETH-STETH", 0.05, 2.2))),
    "lido": _Usual(2.6e10, (("STETH", 1.0, 2.9),)),
    "rocket-pool": _Usual(1.8e9, (("RETH", 1.0, 2.5),)),
    "yearn-v2": _Usual(2.4e8, (("USDC", 0.2, 4.6), ("WETH", 0.1, 2.0))),
    "convex": _Usual(1.1e9, (("CVXCRV", 0.2, 15.0), ("ETH-STETH", 0.1, 4.0))),
    "balancer-v2": _Usual(6e8, (("WSTETH-WETH", 0.15, 3.3), ("BAL-WETH", 0.1, 6.0))),
    "sushiswap": _Usual(1.5e8, (("USDC-WETH", 0.08, 9.0), ("SUSHI-WETH", 0.05, 7.0))),
}


def snapshot(seed: int, now: datetime) -> Snapshot:
    """The figures of the day of `now`."""
    day = now.date().toordinal()
    figures = Snapshot(SIMULATED)
    for slug, usual in _USUAL.items():
        tvl = usual.tvl * _wave(seed, slug, day)
        figures.tvl[slug] = Decimal(tvl).quantize(_CENT)
        for symbol, share, apy in usual.pools:
            name = f"{slug}:{symbol}"
            percent = Decimal(apy * _wave(seed, name, day)).quantize(_BASIS_POINT)
            pool_tvl = Decimal(tvl * share).quantize(_CENT)
            pool = Pool(f"{SIMULATED}:{name}", "ethereum", symbol, pool_tvl, percent, percent, None)
            figures.pools.setdefault(slug, []).append(pool)
    return figures


def _wave(seed: int, name: str, day: int) -> float:
    """About 1, by two slow waves."""
    draws = generator(seed, f"protocol:{name}", 0)
    periods = draws.uniform(_SHORTEST, _LONGEST, size=2)
    phases = draws.uniform(0, 2 * math.pi, size=2)
    swing = sum(
        math.sin(2 * math.pi * day / period + phase)
        for period, phase in zip(periods, phases, strict=True)
    )
    return math.exp(_AMPLITUDE * float(swing) / 2)
