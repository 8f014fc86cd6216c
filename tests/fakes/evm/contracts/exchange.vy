# pragma version ~=0.4.0
"""
Stands in for Uniswap V3: manager of positions, factory and pool in one.
"""

struct Held:
    token0: address
    token1: address
    fee: uint24
    lower: int24
    upper: int24
    liquidity: uint128
    growth0: uint256
    growth1: uint256
    owed0: uint128
    owed1: uint128

ids: HashMap[address, DynArray[uint256, 2000]]
held: HashMap[uint256, Held]
like_first: uint256
like_end: uint256
like: uint256
price: uint160
tick: int24
feeGrowthGlobal0X128: public(uint256)
feeGrowthGlobal1X128: public(uint256)
outside0: HashMap[int24, uint256]
outside1: HashMap[int24, uint256]

@external
def add(owner: address, number: uint256, position: Held):
    self.ids[owner].append(number)
    self.held[number] = position

@external
def add_many(owner: address, first: uint256, count: uint256, like: uint256):
    """
    @notice Positions that are all like another one.
    """
    for offset: uint256 in range(count, bound=2000):
        self.ids[owner].append(first + offset)
    self.like_first = first
    self.like_end = first + count
    self.like = like

@external
def set_liquidity(number: uint256, liquidity: uint128):
    self.held[number].liquidity = liquidity

@external
def set_pool(price: uint160, tick: int24, growth0: uint256, growth1: uint256):
    self.price = price
    self.tick = tick
    self.feeGrowthGlobal0X128 = growth0
    self.feeGrowthGlobal1X128 = growth1

@external
def set_tick(tick: int24, outside0: uint256, outside1: uint256):
    self.outside0[tick] = outside0
    self.outside1[tick] = outside1

@external
@view
def factory() -> address:
    return self

@external
@view
def balanceOf(owner: address) -> uint256:
    return len(self.ids[owner])

@external
@view
def tokenOfOwnerByIndex(owner: address, index: uint256) -> uint256:
    return self.ids[owner][index]

@external
@view
def positions(number: uint256) -> (
    uint96, address, address, address, uint24, int24, int24, uint128, uint256, uint256, uint128, uint128
):
    which: uint256 = number
    if self.like_first <= number and number < self.like_end:
        which = self.like
    p: Held = self.held[which]
    return (
        0, empty(address), p.token0, p.token1, p.fee, p.lower, p.upper, p.liquidity, p.growth0, p.growth1, p.owed0,
        p.owed1
    )

@external
@view
def getPool(token0: address, token1: address, fee: uint24) -> address:
    return self

@external
@view
def slot0() -> (uint160, int24, uint16, uint16, uint16, uint8, bool):
    return self.price, self.tick, 0, 0, 0, 0, True

@external
@view
def ticks(tick: int24) -> (uint128, int128, uint256, uint256, int56, uint160, uint32, bool):
    return 0, 0, self.outside0[tick], self.outside1[tick], 0, 0, 0, True
