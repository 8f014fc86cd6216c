"""A wallet that uses everything: contracts at their addresses of the main network, and what they say of its owner."""

from math import isqrt

from coinsphere.wallets.chains import MULTICALL3
from tests.fakes.evm.chain import Chain

E18 = 10**18
OWNER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
ELSE = "0x00000000000000000000000000000000000000e1"

USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
BAL = "0xba100000625a3754423978a60c9317c58a424e3D"
SPAM = "0x5ba3000000000000000000000000000000000001"
A_WETH = "0xa0e7000000000000000000000000000000000001"

AAVE = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
COMPTROLLER = "0x3d9819210A31b4961b30EF54bE2aeD79B9c9Cd3B"
C_ETH = "0x4Ddc2D193948926D02f9B1fE9e1daa0718270ED5"
C_USDC = "0xc05dc00000000000000000000000000000000001"
COMET = "0xc3d688B66703497DAA19211EEdff47f25384cdc3"
OTHER_COMETS = (
    "0xA17581A9E3356d9A858b789D68B4d866e593aE94",
    "0x3Afdc9BCA9213A35503b077a6072F3D0d5AB0840",
)
STETH = "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84"
WSTETH = "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"
QUEUE = "0x889edC2eDab5f40e902b864aD4d7AdE8E412F9B1"
RETH = "0xae78736Cd615f374D3085123A210448E74Fc6393"
UNISWAP = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
CURVE = "0xF98B45FA17DE75FB1aD0e7aFD971b0ca00e379fC"
BOOSTER = "0xF403C135812408BFbE8713b5A23a04b3D48AAE31"
LOCKER = "0x72a19342e8F1838460eBFCCEf09F6585e32db86E"
LP = "0x1b00000000000000000000000000000000000001"
LP_POOL = "0x1b00000000000000000000000000000000000002"
GAUGE = "0x1b00000000000000000000000000000000000003"
DEPOSIT = "0x1b00000000000000000000000000000000000004"
REWARDS = "0x1b00000000000000000000000000000000000005"
YEARN = "0x50c1a2eA0a861A967D9d0FFE2AE4012c2E053804"
YV_USDC = "0xfe00000000000000000000000000000000000001"
YV_LP = "0xfe00000000000000000000000000000000000002"
BALANCER = "0xBA12222222228d8Ba445958a75a0704d566BF2C8"
B_POOL = "0x5c6Ee304399DBdB9C8Ef030aB642B10820DB8F56"
CHEF = "0xc2EdaD668740f1aA35E4D8f227fB8E17dcA888Cd"
PAIR = "0x5500000000000000000000000000000000000001"

_KINDS = {
    "multicall": (MULTICALL3,),
    "lending": (AAVE, COMPTROLLER, COMET, *OTHER_COMETS),
    "exchange": (UNISWAP,),
    "pools": (CURVE, BOOSTER, YEARN, BALANCER, CHEF, QUEUE),
    "token": (
        USDC, DAI, WETH, BAL, SPAM, A_WETH, C_ETH, C_USDC, STETH, WSTETH, RETH, LOCKER, LP, GAUGE, DEPOSIT, REWARDS,
        YV_USDC, YV_LP, B_POOL, PAIR,
    ),
}  # fmt: skip

POSITION, LOWER, UPPER, LIQUIDITY, TICK = 77, 190_000, 200_000, 2 * 10**16, 196_256
SQRT_PRICE = isqrt((E18 << 192) // (3_000 * 10**6))
"""A WETH costs 3,000 USDC."""
GROWTH = 7 << 112
"""Per unit of liquidity since the position was last touched, of the first token; of the second twice as much."""
OWED = (1_234, 5_678)


def build() -> Chain:
    """The chain, with the wallet in it."""
    chain = Chain({address: kind for kind, all_ in _KINDS.items() for address in all_})
    chain.give(OWNER, 5 * E18 // 2)
    for build_part in (_tokens, _lending, _staking, _uniswap, _curve, _yearn, _balancer, _sushi):
        build_part(chain)
    return chain


def _tokens(chain: Chain) -> None:
    facts = ((USDC, "USDC", 6), (DAI, "DAI", 18), (WETH, "WETH", 18), (SPAM, "Visit spam.example", 18),
             (A_WETH, "aEthWETH", 18), (YV_USDC, "yvUSDC", 6), (YV_LP, "yvLP", 18), (LP, "LP", 18))  # fmt: skip
    for address, symbol, decimals in facts:
        chain.send(address, "set_facts", symbol, decimals)
    chain.send(USDC, "mint", OWNER, 1_500 * 10**6)
    chain.send(SPAM, "mint", OWNER, 10**9 * E18)


def _lending(chain: Chain) -> None:
    chain.send(AAVE, "add_reserve", WETH, A_WETH, ELSE)
    chain.send(AAVE, "add_reserve", USDC, ELSE, ELSE)
    chain.send(AAVE, "add_reserve", WSTETH, ELSE, ELSE)
    chain.send(AAVE, "set_user", WETH, OWNER, 10 * E18, 0)
    chain.send(AAVE, "set_user", USDC, OWNER, 0, 12_000 * 10**6)
    chain.send(AAVE, "set_user", WSTETH, OWNER, E18, 0)
    chain.send(A_WETH, "mint", OWNER, 10 * E18)
    chain.send(COMPTROLLER, "add_market", C_USDC)
    chain.send(COMPTROLLER, "add_market", C_ETH)
    chain.send(C_USDC, "mint", OWNER, 5 * 10**9)
    chain.send(C_USDC, "set_rate", 2 * 10**17)
    chain.send(C_USDC, "set_market", USDC, OWNER, 0)
    chain.send(C_ETH, "set_market", ELSE, OWNER, E18 // 2)
    chain.send(COMET, "set_comet", USDC, WETH)
    chain.send(COMET, "set_comet_user", OWNER, 0, 200 * 10**6, 3 * E18 // 10)


def _staking(chain: Chain) -> None:
    chain.send(STETH, "mint", OWNER, 4 * E18)
    chain.send(WSTETH, "mint", OWNER, 2 * E18)
    chain.send(WSTETH, "set_rate", 12 * E18 // 10)
    chain.send(QUEUE, "add_request", OWNER, 7, E18)
    chain.send(RETH, "mint", OWNER, 3 * E18)
    chain.send(RETH, "set_rate", 11 * E18 // 10)


def _uniswap(chain: Chain) -> None:
    """Growths outside the bounds are of an older age than zero: the contracts count modulo 2^256."""
    total = 40 << 128
    below, above = 30 << 128, (10 << 128) + (1 << 200)
    inside = (total - below - above) % (1 << 256)
    last = tuple((inside - times * GROWTH) % (1 << 256) for times in (1, 2))
    held = (USDC, WETH, 3000, LOWER, UPPER, LIQUIDITY, *last, *OWED)
    chain.send(UNISWAP, "add", OWNER, POSITION, held)
    chain.send(UNISWAP, "set_pool", SQRT_PRICE, TICK, total, total)
    chain.send(UNISWAP, "set_tick", LOWER, below, below)
    chain.send(UNISWAP, "set_tick", UPPER, above, above)


def _curve(chain: Chain) -> None:
    nothing = "0x" + "0" * 40
    coins = [USDC, DAI, *[nothing] * 6]
    amounts = [600 * 10**6, 500 * E18, *[0] * 6]
    for place in (BOOSTER, CURVE):
        chain.send(place, "add_curve", (LP, DEPOSIT, GAUGE, REWARDS), LP_POOL, coins, amounts)
    chain.send(LP, "mint", OWNER, 100 * E18)
    chain.send(LP, "mint", ELSE, 900 * E18)
    chain.send(GAUGE, "mint", OWNER, 50 * E18)
    chain.send(REWARDS, "mint", OWNER, 20 * E18)
    chain.send(REWARDS, "set_earned", OWNER, 5 * E18)
    chain.send(LOCKER, "set_locked", OWNER, 8 * E18)


def _yearn(chain: Chain) -> None:
    chain.send(YEARN, "add_vault", USDC, YV_USDC)
    chain.send(YEARN, "add_vault", LP, YV_LP)
    chain.send(YV_USDC, "mint", OWNER, 100 * 10**6)
    chain.send(YV_USDC, "set_vault", USDC, 105 * 10**4)
    chain.send(YV_LP, "mint", OWNER, 10 * E18)
    chain.send(YV_LP, "set_vault", LP, 11 * E18 // 10)


def _balancer(chain: Chain) -> None:
    name = b"\x01" * 32
    chain.send(B_POOL, "set_pool_id", name)
    chain.send(B_POOL, "mint", OWNER, 10 * E18)
    chain.send(B_POOL, "mint", ELSE, 90 * E18)
    chain.send(BALANCER, "add_balancer", name, [BAL, WETH], [1_000 * E18, 2 * E18])


def _sushi(chain: Chain) -> None:
    chain.send(CHEF, "add_pair", PAIR, OWNER, 2 * E18, 4 * E18)
    chain.send(PAIR, "mint", OWNER, E18)
    chain.send(PAIR, "mint", CHEF, 2 * E18)
    chain.send(PAIR, "mint", ELSE, 7 * E18)
    chain.send(PAIR, "set_pair", USDC, WETH, 3_000 * 10**6, E18)
