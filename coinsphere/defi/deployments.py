"""Addresses of the protocols' contracts: the one or two of each from which the others are found.

Each address stands in what the protocol's makers publish. They were compared, letter by letter, with the newest stored
snapshots of these repositories on 2026-11-24; `docs/guides/wallets.md` tells how to do it again.

- Aave: `bgd-labs/aave-address-book` (f61c9762), `POOL_ADDRESSES_PROVIDER` in `src/AaveV3*.sol`.
- Compound V2: `compound-finance/compound-protocol` (a3214f6), `networks/mainnet.json`.
- Compound V3: `compound-finance/comet` (d5a30b0a), `deployments/*/*/roots.json`, all markets of our chains.
- Lido: `lidofinance/docs` (35624e45), `docs/deployed-contracts`.
- Rocket Pool: `rocket-pool/docs.rocketpool.net` (133063e), in the guides.
- Uniswap: `Uniswap/docs` (8c5d09e2), `docs/contracts/v3/reference/deployments`.
- Curve: its token in `curvefi/curve-docs` (6f5dd1f), which is older than the MetaRegistry; that one in ten other
  repositories, Curve's own front end among them.
- Convex: `convex-eth/platform` (4f22038), `contracts/contracts.json`.
- Yearn: `yearn/yearn-devdocs` (ffa888faf), `docs/developers/v2/DEPLOYMENT.md`.
- Balancer: `balancer/balancer-deployments` (6826feb8), `addresses` and `v2`.
- SushiSwap: the stored docs of its makers name none; `convex-eth/platform` and ten others each agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from coinsphere.chains.blockchains import Blockchain
from coinsphere.defi.model import Reader
from coinsphere.defi.protocols.aave_v3 import AaveV3
from coinsphere.defi.protocols.balancer_v2 import BalancerV2
from coinsphere.defi.protocols.compound_v2 import CompoundV2
from coinsphere.defi.protocols.compound_v3 import CompoundV3
from coinsphere.defi.protocols.convex import Convex
from coinsphere.defi.protocols.curve import Curve
from coinsphere.defi.protocols.lido import Lido
from coinsphere.defi.protocols.rocket_pool import RocketPool
from coinsphere.defi.protocols.sushiswap import SushiSwap
from coinsphere.defi.protocols.uniswap_v3 import UniswapV3
from coinsphere.defi.protocols.yearn_v2 import YearnV2

_CURVE_REGISTRY = "0xF98B45FA17DE75FB1aD0e7aFD971b0ca00e379fC"
_CRV = "0xD533a949740bb3306d119CC777fa900bA034cd52"
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
                "0x3D0bb1ccaB520A66e607822fC55BC921738fAFE3",  # wstETH
                "0x5D409e56D886231aDAf00c8775665AD0f9897b56",  # USDS
                "0xe85Dc543813B8c2CFEaAc371517b925a166a9293",  # WBTC
            ),
            rewards="0x1B0e765F6224C21223AeA2af16c1C46E38885a40",
        ),
        "lido": Lido(
            steth="0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84",
            wsteth="0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0",
            queue="0x889edC2eDab5f40e902b864aD4d7AdE8E412F9B1",
        ),
        "rocket-pool": RocketPool("0xae78736Cd615f374D3085123A210448E74Fc6393"),
        "uniswap-v3": _UNISWAP,
        "curve": Curve(_CURVE_REGISTRY, _BOOSTER, _CRV),
        "convex": Convex(
            booster=_BOOSTER,
            registry=_CURVE_REGISTRY,
            crv=_CRV,
            cvx="0x4e3FBD56CD56c3e72c1403e103b45Db9da5B9D2B",
            locker="0x72a19342e8F1838460eBFCCEf09F6585e32db86E",
        ),
        "yearn-v2": YearnV2("0x50c1a2eA0a861A967D9d0FFE2AE4012c2E053804", _CURVE_REGISTRY),
        "balancer-v2": BalancerV2(
            vault="0xBA12222222228d8Ba445958a75a0704d566BF2C8",
            pools=(
                "0x5c6Ee304399DBdB9C8Ef030aB642B10820DB8F56",  # BAL and WETH, 80:20
                "0x32296969Ef14EB0c6d29669C550D4a0449130230",  # wstETH and WETH
                "0x1E19CF2D73a72Ef1332C882F20534B6519Be0276",  # rETH and WETH
            ),
            factories=(
                "0x4E7bBd911cf1EFa442BC1b2e9Ea01ffE785412EC",
                "0xf1665E19bc105BE4EDD3739F88315cC699cc5b65",
            ),
            bal="0xba100000625a3754423978a60c9317c58a424e3D",
        ),
        "sushiswap": SushiSwap(
            chefs=(
                "0xc2EdaD668740f1aA35E4D8f227fB8E17dcA888Cd",
                "0xEF0881eC094552b2e128Cf945EF17a6752B4Ec5d",
            ),
            factory="0xC0AEe478e3658e2610c5F7A4A2E1777cE9e4f2Ac",
            sushi="0x6B3595068778DD592e39A122f4f5a5cF09C90fE2",
        ),
    },
    Blockchain.POLYGON: {
        "aave-v3": _AAVE_ELSEWHERE,
        "compound-v3": CompoundV3(
            (
                "0xF25212E676D1F7F89Cd72fFEe66158f541246445",  # bridged USDC
                "0xaeB318360f27748Acb200CE616E389A6C9409a07",  # USDT
            ),
            rewards="0x45939657d1CA34A8FA39A924B71D28Fe8431e581",
        ),
        "uniswap-v3": _UNISWAP,
    },
    Blockchain.OPTIMISM: {
        "aave-v3": _AAVE_ELSEWHERE,
        "compound-v3": CompoundV3(
            (
                "0x2e44e174f7D53F0212823acC11C01A11d58c5bCB",  # USDC
                "0x995E394b8B2437aC8Ce61Ee0bC610D617962B214",  # USDT
                "0xE36A30D249f7761327fd973001A32010b521b6Fd",  # WETH
            ),
            rewards="0x443EA0340cb75a160F31A440722dec7b5bc3C2E9",
        ),
        "uniswap-v3": _UNISWAP,
    },
    Blockchain.ARBITRUM: {
        "aave-v3": _AAVE_ELSEWHERE,
        "compound-v3": CompoundV3(
            (
                "0x9c4ec768c28520B50860ea7a15bd7213a9fF58bf",  # USDC
                "0xA5EDBDD9646f8dFF606d7448e414884C7d905dCA",  # bridged USDC
                "0xd98Be00b5D27fc98112BdE293e487f8D4cA57d07",  # USDT
                "0x6f7D514bbD4aFf3BcD1140B7344b32f063dEe486",  # WETH
            ),
            rewards="0x88730d254A2f7e6AC8388c3198aFd694bA9f7fae",
        ),
        "uniswap-v3": _UNISWAP,
    },
    Blockchain.BASE: {
        "aave-v3": AaveV3("0xe20fCBdBfFC4Dd138cE8b2E6FBb6CB49777ad64D"),
        "compound-v3": CompoundV3(
            (
                "0xb125E6687d4313864e53df431d5425969c15Eb2F",  # USDC
                "0x9c4ec768c28520B50860ea7a15bd7213a9fF58bf",  # bridged USDC
                "0x46e6b214b524310239732D51387075E0e70970bf",  # WETH
                "0x784efeB622244d2348d4F2522f8860B96fbEcE89",  # AERO
                "0x2c776041CCFe903071AF44aa147368a9c8EEA518",  # USDS
            ),
            rewards="0x123964802e6ABabBE1Bc9547D72Ef1B69B00A6b1",
        ),
        "uniswap-v3": UniswapV3("0x03a520b32C04BF3bEEf7BEb72E919cf822Ed34f1"),
    },
    Blockchain.BSC: {
        "aave-v3": AaveV3("0xff75B6da14FfbbfD355Daf7a2731456b3562Ba6D"),
        "uniswap-v3": UniswapV3("0x7b8A01B39D58278b5DE7e48c8449c9f4F5170613"),
    },
}
"""By chain and slug of the protocol."""


def of(
    blockchain: Blockchain, listed: Sequence[str] = (), ticked: Sequence[str] = ()
) -> Mapping[str, Reader]:
    """The readers of a chain's protocols by slug, given the curated tokens and those that the user ticked, which may lead to more pools."""
    return {
        slug: _told(reader, tuple(listed), tuple(ticked))
        for slug, reader in DEPLOYMENTS.get(blockchain, {}).items()
    }


def _told(reader: Reader, listed: tuple[str, ...], ticked: tuple[str, ...]) -> Reader:
    if isinstance(reader, BalancerV2):
        return replace(reader, ticked=ticked)
    return (
        replace(reader, tokens=listed, ticked=ticked) if isinstance(reader, SushiSwap) else reader
    )
