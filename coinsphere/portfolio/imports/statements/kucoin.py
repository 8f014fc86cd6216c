"""KuCoin's ledger: what the names of its rows mean, which are free text, the same in the account history and over its API."""

from coinsphere.portfolio.model import Kind

INCOME = (
    "profits", "profit", "earnings", "interest", "rewards", "reward", "bonus", "airdrop/fork", "distribution", "vesting",
)  # fmt: skip
"""How the names of incomes end."""


def kind_of(name: str) -> Kind | None:
    """What kind of income a name in lower case is; None: none."""
    if not name.endswith(INCOME):
        return None
    if "staking" in name or "voting" in name:
        return Kind.STAKING
    if name.endswith(("airdrop/fork", "distribution", "vesting")):
        return Kind.AIRDROP
    return Kind.INTEREST if name.endswith("interest") else Kind.REWARD
