"""Where the protocols' contracts lie: the one or two of each from which the others are found, by their makers' pages."""

from collections.abc import Mapping

from coinsphere.defi.model import Reader
from coinsphere.defi.protocols.aave_v3 import AaveV3
from coinsphere.defi.protocols.balancer_v2 import BalancerV2, Pool
from coinsphere.defi.protocols.compound_v2 import CompoundV2
from coinsphere.defi.protocols.compound_v3 import CompoundV3
from coinsphere.defi.protocols.convex import Convex
from coinsphere.defi.protocols.curve import Curve
from coinsphere.defi.protocols.lido import Lido
from coinsphere.defi.protocols.rocket_pool import RocketPool
from coinsphere.defi.protocols.sushiswap import SushiSwap
from coinsphere.defi.protocols.uniswap_v3 import UniswapV3
from coinsphere.defi.protocols.yearn_v2 import YearnV2
from coinsphere.wallets.chains import Blockchain

_CURVE_REGISTRY = "0xF98B45FA17DE75FB1aD0e7aFD971b0ca00e379fC"
_BOOSTER = "0xF403C135812408BFbE8713b5A23a04b3D48AAE31"
_AAVE_ELSEWHERE = AaveV3("0xa97684ead0e402dC232d5A977953DF7ECBaB3CDb")
_UNISWAP = UniswapV3("0xC36442b4a4522E871399CD717aBDD847Ab11FE88")

Deployments = Mapping[Blockchain, Mapping[str, Reader]]

DEPLOYMENTS: Deployments = {
    Blockchain.ETHEREUM: {
        "aave-v3": AaveV3("0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"),
        "compound-v2": CompoundV2(
            comptroller="0x3d9819210A31b4961b30EF54bE2aeD79B9c9Cd3B",
            coin_market="0x4Ddc2D193948926D02f9B1fE9e1daa0718270ED5",
        ),
        "compound-v3": CompoundV3(
            (
                "0xc3d688B66703497DAA19211EEdff47f25384cdc3",  # USDC
                "0xA17581A9E3356d9A858b789D68B4d866e593aE94",  # WETH
                "0x3Afdc9BCA9213A35503b077a6072F3D0d5AB0840",  # USDT
            )
        ),
        "lido": Lido(
            steth="0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84",
            wsteth="0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0",
            queue="0x889edC2eDab5f40e902b864aD4d7AdE8E412F9B1",
        ),
        "rocket-pool": RocketPool("0xae78736Cd615f374D3085123A210448E74Fc6393"),
        "uniswap-v3": _UNISWAP,
        "curve": Curve(_CURVE_REGISTRY, _BOOSTER),
        "convex": Convex(
            booster=_BOOSTER,
            registry=_CURVE_REGISTRY,
            crv="0xD533a949740bb3306d119CC777fa900bA034cd52",
            cvx="0x4e3FBD56CD56c3e72c1403e103b45Db9da5B9D2B",
            locker="0x72a19342e8F1838460eBFCCEf09F6585e32db86E",
        ),
        "yearn-v2": YearnV2("0x50c1a2eA0a861A967D9d0FFE2AE4012c2E053804", _CURVE_REGISTRY),
        "balancer-v2": BalancerV2(
            "0xBA12222222228d8Ba445958a75a0704d566BF2C8",
            (
                Pool("0x5c6Ee304399DBdB9C8Ef030aB642B10820DB8F56"),  # BAL and WETH, 80:20
                Pool("0x32296969Ef14EB0c6d29669C550D4a0449130230"),  # wstETH and WETH
                Pool("0x1E19CF2D73a72Ef1332C882F20534B6519Be0276"),  # rETH and WETH
            ),
        ),
        "sushiswap": SushiSwap(
            "0xc2EdaD668740f1aA35E4D8f227fB8E17dcA888Cd",
            "0x6B3595068778DD592e39A122f4f5a5cF09C90fE2",
        ),
    },
    Blockchain.POLYGON: {
        "aave-v3": _AAVE_ELSEWHERE,
        "compound-v3": CompoundV3(("0xF25212E676D1F7F89Cd72fFEe66158f541246445",)),
        "uniswap-v3": _UNISWAP,
    },
    Blockchain.OPTIMISM: {
        "aave-v3": _AAVE_ELSEWHERE,
        "compound-v3": CompoundV3(("0x2e44e174f7D53F0212823acC11C01A11d58c5bCB",)),
        "uniswap-v3": _UNISWAP,
    },
    Blockchain.ARBITRUM: {
        "aave-v3": _AAVE_ELSEWHERE,
        "compound-v3": CompoundV3(
            (
                "0x9c4ec768c28520B50860ea7a15bd7213a9fF58bf",  # USDC
                "0xA5EDBDD9646f8dFF606d7448e414884C7d905dCA",  # bridged USDC
            )
        ),
        "uniswap-v3": _UNISWAP,
    },
    Blockchain.BASE: {
        "aave-v3": AaveV3("0xe20fCBdBfFC4Dd138cE8b2E6FBb6CB49777ad64D"),
        "compound-v3": CompoundV3(("0xb125E6687d4313864e53df431d5425969c15Eb2F",)),
        "uniswap-v3": UniswapV3("0x03a520b32C04BF3bEEf7BEb72E919cf822Ed34f1"),
    },
    Blockchain.BSC: {
        "aave-v3": AaveV3("0xff75B6da14FfbbfD355Daf7a2731456b3562Ba6D"),
        "uniswap-v3": UniswapV3("0x7b8A01B39D58278b5DE7e48c8449c9f4F5170613"),
    },
}
"""By chain and slug of the protocol."""
