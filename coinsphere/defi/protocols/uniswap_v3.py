"""Uniswap V3: each position is an NFT, with liquidity between two prices. Reads its amounts and the fees it is owed.

The contracts' own fixed-point arithmetic, in whole numbers: prices are square roots in 96 fractional bits, growths of
fees per unit of liquidity in 128, all modulo 2^256.
"""

from dataclasses import dataclass
from typing import NamedTuple

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, Result, grouped
from coinsphere.defi.model import Position, PositionKind, Reading, Unreadable, required

_POSITION = (
    "uint96", "address", "address", "address", "uint24", "int24", "int24", "uint128", "uint256", "uint256",
    "uint128", "uint128",
)  # fmt: skip
_SLOT0 = ("uint160", "int24")
_TICK = ("uint128", "int128", "uint256", "uint256")
_MOST_POSITIONS = 20_000
_Q96, _Q128, _WORD = 1 << 96, 1 << 128, 1 << 256
_MOST_TICK = 887_272
_FACTORS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001, 0xFFF97272373D413259A46990580E213A, 0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0, 0xFFCB9843D60F6159C9DB58835C926644, 0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861, 0xFE5DEE046A99A2A811C461F1969C3053, 0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54, 0xF3392B0822B70005940C7A398E4B70F3, 0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825, 0xA9F746462D870FDF8A65DC1F90E061E5, 0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6, 0x9AA508B5B7A84E1C677DE54F3E99BC9, 0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98, 0x48A170391F7DC42444E8FA2,
)  # fmt: skip
"""1.0001 to the power of -1/2, -1, -2, … in 128 fractional bits: one for each bit of a tick."""


class PositionNft(NamedTuple):
    """A position as its manager's contract gives it."""

    token_id: int
    token0: str
    token1: str
    fee: int
    lower: int
    upper: int
    liquidity: int
    growth0: int
    growth1: int
    owed0: int
    owed1: int


class Market(NamedTuple):
    """The state of a pool that a position's amounts depend on; growths of fees by token, outside ones by bound."""

    price: int
    tick: int
    growth: tuple[int, int]
    outside_lower: tuple[int, int]
    outside_upper: tuple[int, int]


@dataclass(frozen=True, slots=True)
class UniswapV3:
    """A deployment, by its manager of positions."""

    manager: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`. Requests are cut to what a node takes, however many positions there are."""
        factory, balance = yield [
            Call(self.manager, "factory()", (), ("address",)),
            balance_of(self.manager, owner),
        ]
        (exchange,) = required(factory, "the factory of Uniswap")
        (count,) = required(balance, "the positions of Uniswap")
        nfts = yield from self._nfts(owner, count)
        open_ = [nft for nft in nfts if nft.liquidity or nft.owed0 or nft.owed1]
        markets = yield from _markets(exchange, open_)
        positions = [
            position for nft, market in zip(open_, markets, strict=True)
            for position in _positions(nft, market)
        ]  # fmt: skip
        return Reading(tuple(positions))

    def _nfts(self, owner: str, count: int) -> Plan[list[PositionNft]]:
        """Plan: all positions of an owner, also those that are closed. Raises `Unreadable` where there are too many."""
        if count > _MOST_POSITIONS:
            # A part of them would close the others.
            raise Unreadable(f"more than {_MOST_POSITIONS} positions of Uniswap")
        ids = yield [
            Call(self.manager, "tokenOfOwnerByIndex(address,uint256)", (owner, index))
            for index in range(count)
        ]
        numbers = [required(answer, "a position of Uniswap")[0] for answer in ids]
        rows = yield [
            Call(self.manager, "positions(uint256)", (number,), _POSITION) for number in numbers
        ]
        return [
            PositionNft(number, *required(row, "a position of Uniswap")[2:])
            for number, row in zip(numbers, rows, strict=True)
        ]


def _markets(factory: str, nfts: list[PositionNft]) -> Plan[list[Market]]:
    pool_answers = yield [
        Call(factory, "getPool(address,address,uint24)", nft[1:4], ("address",)) for nft in nfts
    ]
    pools = [str(required(answer, "a pool of Uniswap")[0]) for answer in pool_answers]
    states = yield from grouped(
        [
            (
                Call(pool, "slot0()", (), _SLOT0),
                Call(pool, "feeGrowthGlobal0X128()"),
                Call(pool, "feeGrowthGlobal1X128()"),
                Call(pool, "ticks(int24)", (nft.lower,), _TICK),
                Call(pool, "ticks(int24)", (nft.upper,), _TICK),
            )
            for pool, nft in zip(pools, nfts, strict=True)
        ]
    )
    return [_market(state) for state in states]


def _market(state: list[Result]) -> Market:
    (price, tick), (growth0,), (growth1,), lower, upper = (
        required(row, "a pool of Uniswap") for row in state
    )
    return Market(price, tick, (growth0, growth1), lower[2:4], upper[2:4])


def _positions(nft: PositionNft, market: Market) -> list[Position]:
    amounts = inside(nft.liquidity, market.price, nft.lower, nft.upper)
    earned = fees(nft, market)
    group = f"position:{nft.token_id}"
    details = {
        "group": group,
        "feeTier": nft.fee,
        "tickLower": nft.lower,
        "tickUpper": nft.upper,
        "isInRange": nft.lower <= market.tick < nft.upper,
    }
    positions = []
    for token, raw, fee in zip((nft.token0, nft.token1), amounts, earned, strict=True):
        if raw > 0:
            key = f"{group}:{token}"
            positions.append(Position(key, PositionKind.LIQUIDITY, token, raw, details))
        if fee > 0:
            key = f"{group}:fees:{token}"
            positions.append(Position(key, PositionKind.REWARD, token, fee, details))
    return positions


def inside(liquidity: int, price: int, lower: int, upper: int) -> tuple[int, int]:
    """The amounts of both tokens in a position at a price, as the pool computes them, rounded down."""
    low, high = sqrt_price(lower), sqrt_price(upper)
    now = min(max(price, low), high)
    amount0 = (liquidity << 96) * (high - now) // high // now
    return amount0, liquidity * (now - low) // _Q96


def fees(nft: PositionNft, market: Market) -> tuple[int, int]:
    """Fees of both tokens that a position has earned and not collected."""
    growths = zip(
        market.growth, market.outside_lower, market.outside_upper,
        (nft.growth0, nft.growth1), (nft.owed0, nft.owed1), strict=True,
    )  # fmt: skip
    first, second = (
        owed + nft.liquidity * _since(last, _growth(market, nft, *outer)) // _Q128
        for *outer, last, owed in growths
    )
    return first, second


def _growth(market: Market, nft: PositionNft, total: int, lower: int, upper: int) -> int:
    """The growth of fees between a position's bounds since the pool began, modulo 2^256."""
    below = lower if market.tick >= nft.lower else total - lower
    above = upper if market.tick < nft.upper else total - upper
    return total - below - above


def _since(last: int, now: int) -> int:
    return (now - last) % _WORD


def sqrt_price(tick: int) -> int:
    """The square root of 1.0001 to the power of `tick`, in 96 fractional bits, rounded up as the pools do."""
    distance = min(abs(tick), _MOST_TICK)
    ratio = _Q128
    for bit, factor in enumerate(_FACTORS):
        if distance >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = (_WORD - 1) // ratio
    return -(-ratio >> 32)
