"""A wallet that uses everything: contracts at their addresses of the main network, and what they say of its owner."""

from math import isqrt

from coinsphere.chains.blockchains import MULTICALL3
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
    "0x3D0bb1ccaB520A66e607822fC55BC921738fAFE3",
    "0x5D409e56D886231aDAf00c8775665AD0f9897b56",
    "0xe85Dc543813B8c2CFEaAc371517b925a166a9293",
)
COMET_REWARDS = "0x1B0e765F6224C21223AeA2af16c1C46E38885a40"
COMP = "0xc00e94Cb662C3520282E6f5717214004A7f26888"
AAVE_TOKEN = "0x7Fc66500c84A76Ad7e9c93437bFc5Ac33E2DDaE9"
DEBT_USDC = "0xdeb7000000000000000000000000000000000001"
CRV = "0xD533a949740bb3306d119CC777fa900bA034cd52"
CVX = "0x4e3FBD56CD56c3e72c1403e103b45Db9da5B9D2B"
LDO = "0x5A98FcBEA516Cf06857215779Fd812CA3beF1B32"
CVX_CRV = "0xc7c0000000000000000000000000000000000001"
EXTRA = "0xe770000000000000000000000000000000000001"
EXTRA_WRAPPER = "0xe770000000000000000000000000000000000002"
OTHER_EXTRA = "0xe770000000000000000000000000000000000003"
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
B_GAUGE = "0xba60000000000000000000000000000000000001"
B_TICKED = "0xba60000000000000000000000000000000000002"
B_TICKED_GAUGE = "0xba60000000000000000000000000000000000003"
B_LIAR = "0xba60000000000000000000000000000000000004"
B_LYING_GAUGE = "0xba60000000000000000000000000000000000005"
B_FACTORIES = (
    "0x4E7bBd911cf1EFa442BC1b2e9Ea01ffE785412EC",
    "0xf1665E19bc105BE4EDD3739F88315cC699cc5b65",
)
CHEF = "0xc2EdaD668740f1aA35E4D8f227fB8E17dcA888Cd"
CHEF_V2 = "0xEF0881eC094552b2e128Cf945EF17a6752B4Ec5d"
SUSHI_FACTORY = "0xC0AEe478e3658e2610c5F7A4A2E1777cE9e4f2Ac"
PAIR = "0x5500000000000000000000000000000000000001"
PAIR_V2 = "0x5500000000000000000000000000000000000002"
LISTED_PAIR = "0x5500000000000000000000000000000000000003"
TICKED_PAIR = "0x5500000000000000000000000000000000000004"
LYING_PAIR = "0x5500000000000000000000000000000000000005"

_KINDS = {
    "multicall": (MULTICALL3,),
    "lending": (AAVE, COMPTROLLER, COMET, *OTHER_COMETS, COMET_REWARDS),
    "exchange": (UNISWAP,),
    "pools": (CURVE, BOOSTER, YEARN, BALANCER, *B_FACTORIES, CHEF, CHEF_V2, SUSHI_FACTORY, QUEUE),
    "token": (
        USDC, DAI, WETH, BAL, SPAM, A_WETH, C_ETH, C_USDC, STETH, WSTETH, RETH, LOCKER, LP, GAUGE, DEPOSIT, REWARDS,
        YV_USDC, YV_LP, B_POOL, B_GAUGE, B_TICKED, B_TICKED_GAUGE, B_LIAR, B_LYING_GAUGE, PAIR, PAIR_V2, LISTED_PAIR,
        TICKED_PAIR, LYING_PAIR, COMP, AAVE_TOKEN, DEBT_USDC, CRV, CVX, LDO, CVX_CRV, EXTRA, EXTRA_WRAPPER, OTHER_EXTRA,
    ),
}  # fmt: skip

POSITION, LOWER, UPPER, LIQUIDITY, TICK = 77, 190_000, 200_000, 2 * 10**16, 196_256
SQRT_PRICE = isqrt((E18 << 192) // (3_000 * 10**6))
"""A WETH costs 3,000 USDC."""
GROWTH = 7 << 98
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
             (A_WETH, "aEthWETH", 18), (YV_USDC, "yvUSDC", 6), (YV_LP, "yvLP", 18), (LP, "LP", 18),
             (CVX_CRV, "cvxCRV", 18), (EXTRA_WRAPPER, "LDO", 18), (B_LIAR, "LIE", 18))  # fmt: skip
    for address, symbol, decimals in facts:
        chain.send(address, "set_facts", symbol, decimals)
    chain.send(USDC, "mint", OWNER, 1_500 * 10**6)
    chain.send(SPAM, "mint", OWNER, 10**9 * E18)


def _lending(chain: Chain) -> None:
    chain.send(AAVE, "add_reserve", WETH, A_WETH, ELSE)
    chain.send(AAVE, "add_reserve", USDC, ELSE, DEBT_USDC)
    chain.send(AAVE, "add_reserve", WSTETH, ELSE, ELSE)
    chain.send(AAVE, "set_user", WETH, OWNER, 10 * E18, 0)
    chain.send(AAVE, "set_user", USDC, OWNER, 0, 12_000 * 10**6)
    chain.send(AAVE, "set_user", WSTETH, OWNER, E18, 0)
    chain.send(A_WETH, "mint", OWNER, 10 * E18)
    # Incentives of what is supplied and of what is owed are summed: 0.25 and 0.5 AAVE.
    for receipt, amount in ((A_WETH, E18 // 4), (DEBT_USDC, E18 // 2)):
        chain.send(receipt, "set_incentives", AAVE)
        chain.send(AAVE, "set_incentive", receipt, AAVE_TOKEN, OWNER, amount)
    chain.send(COMPTROLLER, "set_accrued", COMP, OWNER, 3 * E18 // 2)
    chain.send(COMPTROLLER, "add_market", C_USDC)
    chain.send(COMPTROLLER, "add_market", C_ETH)
    chain.send(C_USDC, "mint", OWNER, 5 * 10**9)
    chain.send(C_USDC, "set_rate", 2 * 10**17)
    chain.send(C_USDC, "set_market", USDC, OWNER, 0)
    chain.send(C_ETH, "set_market", ELSE, OWNER, E18 // 2)
    chain.send(COMET, "set_comet", USDC, WETH)
    chain.send(COMET, "set_comet_user", OWNER, 0, 200 * 10**6, 3 * E18 // 10)
    chain.send(COMET_REWARDS, "set_comet_reward", COMET, COMP, OWNER, 2 * E18)


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
    chain.send(LOCKER, "set_claimable", CVX_CRV, OWNER, 7 * E18)
    chain.send(GAUGE, "set_gauge", LP, OWNER, 9 * E18, LDO, 4 * E18)
    # Of a hundred cliffs of ten CVX each 25 are passed: 5 CRV bring 3.75 CVX.
    chain.send(CVX, "set_cliffs", 10 * E18, 100, 1_000 * E18)
    chain.send(CVX, "mint", ELSE, 250 * E18)
    # One extra reward is paid through a wrapper that names its pool, one directly.
    for place, token, amount in ((EXTRA, EXTRA_WRAPPER, 6 * E18), (OTHER_EXTRA, DAI, 2 * E18)):
        chain.send(REWARDS, "add_extra", place)
        chain.send(place, "set_reward", token, place, ELSE)
        chain.send(place, "set_earned", OWNER, amount)
    chain.send(EXTRA_WRAPPER, "set_reward", ELSE, EXTRA, LDO)


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
    chain.send(BALANCER, "add_balancer", name, B_POOL, [BAL, WETH], [1_000 * E18, 2 * E18])
    chain.send(B_FACTORIES[0], "tell_gauge", B_POOL, B_GAUGE)
    chain.send(B_GAUGE, "mint", OWNER, 20 * E18)
    chain.send(B_GAUGE, "set_gauge", B_POOL, OWNER, 3 * E18, LDO, E18)
    _other_balancer(chain)


def _other_balancer(chain: Chain) -> None:
    """A stable pool that nobody lists, with a gauge of the newer factory; and a token and a gauge that lie."""
    name = b"\x02" * 32
    chain.send(B_TICKED, "set_pool_id", name)
    chain.send(B_TICKED, "mint", OWNER, 25 * E18)
    chain.send(B_TICKED, "mint", B_TICKED_GAUGE, 75 * E18)
    chain.send(
        BALANCER, "add_balancer", name, B_TICKED, [USDC, DAI, B_TICKED],
        [400 * 10**6, 600 * E18, 5_000 * E18],
    )  # fmt: skip
    chain.send(B_FACTORIES[1], "add_gauge", B_TICKED_GAUGE)
    chain.send(B_TICKED_GAUGE, "mint", OWNER, 50 * E18)
    chain.send(B_TICKED_GAUGE, "set_gauge", B_TICKED, OWNER, 2 * E18, LDO, 0)
    chain.send(B_LIAR, "set_pool_id", name)
    chain.send(B_LIAR, "mint", OWNER, 10**6 * E18)
    chain.send(B_LYING_GAUGE, "set_gauge", B_TICKED, OWNER, 10**6 * E18, LDO, 0)
    chain.send(B_LYING_GAUGE, "mint", OWNER, 10**6 * E18)


def _sushi(chain: Chain) -> None:
    chain.send(CHEF, "add_pair", PAIR, OWNER, 2 * E18, 4 * E18)
    chain.send(PAIR, "mint", OWNER, E18)
    chain.send(PAIR, "mint", CHEF, 2 * E18)
    chain.send(PAIR, "mint", ELSE, 7 * E18)
    chain.send(PAIR, "set_pair", USDC, WETH, 3_000 * 10**6, E18)
    chain.send(CHEF_V2, "add_pair", PAIR_V2, OWNER, 5 * E18, E18 // 2)
    for pair, token0, token1 in (
        (PAIR_V2, DAI, WETH), (LISTED_PAIR, DAI, USDC), (TICKED_PAIR, SPAM, WETH), (LYING_PAIR, SPAM, WETH),
    ):  # fmt: skip
        chain.send(pair, "set_pair", token0, token1, 30 * E18, 10 * E18)
        chain.send(pair, "mint", OWNER if pair != PAIR_V2 else CHEF_V2, 10 * E18)
    chain.send(LISTED_PAIR, "set_pair", DAI, USDC, 30 * E18, 30 * 10**6)
    chain.send(SUSHI_FACTORY, "make_pair", DAI, USDC, LISTED_PAIR)
    chain.send(SUSHI_FACTORY, "make_pair", SPAM, WETH, TICKED_PAIR)
