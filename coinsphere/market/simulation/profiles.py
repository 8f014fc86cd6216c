"""Profiles of simulated tokens: usual price, movement with the market, and volume."""

import hashlib
from dataclasses import dataclass

from coinsphere.market.model import Token


@dataclass(frozen=True, slots=True)
class Profile:
    """The character of a token.

    Attributes:
        price: US dollars around which the price wanders over years.
        beta: return of the token for a return of 1 of the whole market.
        own_volatility: annual standard deviation of the part that the market does not explain.
        turnover: US dollars traded on a usual day.
        circulating: units in circulation.
        supply_cap: most units that will ever exist; None where there is no cap.
    """

    price: float
    beta: float
    own_volatility: float
    turnover: float
    circulating: float
    supply_cap: float | None = None


_KNOWN = {
    "bitcoin": Profile(42_000, 0.95, 0.18, 2.4e10, 1.98e7, 2.1e7),
    "ethereum": Profile(2_400, 1.15, 0.30, 1.3e10, 1.204e8),
    "solana": Profile(75, 1.45, 0.70, 2.6e9, 4.7e8),
    "usd-coin": Profile(1, 0, 0.002, 6e9, 5.5e10),
    "binancecoin": Profile(360, 1.0, 0.40, 1.4e9, 1.45e8, 2e8),
    "ripple": Profile(0.62, 1.05, 0.60, 2.1e9, 5.6e10, 1e11),
    "cardano": Profile(0.55, 1.2, 0.55, 6.5e8, 3.55e10, 4.5e10),
    "dogecoin": Profile(0.11, 1.2, 0.80, 1.3e9, 1.45e11),
    "avalanche-2": Profile(28, 1.4, 0.65, 4.8e8, 4.0e8, 7.2e8),
    "polygon-ecosystem-token": Profile(0.8, 1.35, 0.60, 3.6e8, 1.05e10),
    "polkadot": Profile(7.5, 1.25, 0.50, 3.1e8, 1.4e9),
    "chainlink": Profile(13, 1.25, 0.55, 5.0e8, 6.1e8, 1e9),
    "uniswap": Profile(7.8, 1.3, 0.60, 2.2e8, 6.0e8, 1e9),
    "cosmos": Profile(9.5, 1.2, 0.55, 1.8e8, 3.9e8),
    "litecoin": Profile(85, 1.05, 0.45, 4.6e8, 7.5e7, 8.4e7),
    "ethereum-classic": Profile(24, 1.15, 0.55, 2.4e8, 1.5e8, 2.107e8),
    "tether": Profile(1, 0, 0.0015, 5.5e10, 1.3e11),
    "dai": Profile(1, 0, 0.003, 1.6e8, 5.3e9),
    "shiba-inu": Profile(1.6e-5, 1.3, 0.85, 4.2e8, 5.89e14),
    "arbitrum": Profile(1.1, 1.35, 0.60, 3.4e8, 4.2e9, 1e10),
    "optimism": Profile(1.9, 1.4, 0.65, 2.1e8, 1.4e9, 4.29e9),
    "aptos": Profile(8.2, 1.4, 0.70, 1.9e8, 5.6e8),
    "sui": Profile(1.4, 1.4, 0.75, 4.5e8, 2.9e9, 1e10),
    "injective-protocol": Profile(19, 1.4, 0.80, 1.2e8, 9.8e7, 1e8),
    "aave": Profile(105, 1.3, 0.60, 2.0e8, 1.5e7, 1.6e7),
    "curve-dao-token": Profile(0.55, 1.3, 0.75, 1.1e8, 1.3e9, 3.03e9),
    "sky": Profile(0.067, 1.05, 0.55, 9e7, 2.3e10),
    "lido-dao": Profile(1.8, 1.35, 0.75, 8e7, 9.0e8, 1e9),
    "pepe": Profile(7e-6, 1.5, 1.10, 9e8, 4.2e14, 4.2069e14),
    "sonic-3": Profile(0.5, 1.4, 0.80, 1.6e8, 2.8e9, 3.175e9),
    "near": Profile(4.6, 1.35, 0.65, 3.3e8, 1.2e9),
}


def key_of(token: Token) -> str:
    """A name of `token` that is the same in every database, unlike its id, which is drawn anew in each."""
    if token.coingecko_id:
        return token.coingecko_id
    return f"{token.blockchain}/{token.contract_address or token.symbol}".lower()


def profile_of(token: Token) -> Profile:
    """The profile of `token`; an unlisted one gets a small token's, drawn from its key."""
    known = _KNOWN.get(token.coingecko_id or "")
    if known is not None:
        return known
    digest = hashlib.sha256(key_of(token).encode()).digest()
    first, second, third = (byte / 255 for byte in digest[:3])
    if token.peg_usd is not None:
        return Profile(
            float(token.peg_usd), 0, 0.004, 10 ** (6 + 2 * first), 10 ** (7 + 2 * second)
        )
    return Profile(
        price=10 ** (3 * first - 2),
        beta=0.9 + 0.7 * second,
        own_volatility=0.5 + 0.6 * third,
        turnover=10 ** (6 + 2 * second),
        circulating=10 ** (7 + 2 * third),
    )
