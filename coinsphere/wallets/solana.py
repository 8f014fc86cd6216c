"""Balances of Solana: the coin and the tokens of both token programs, by one request to a node."""

from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.wallets.chains import NATIVE
from coinsphere.wallets.curated import Directory
from coinsphere.wallets.model import Balance, TokenFacts
from coinsphere.wallets.rpc import Node, Question

_PROGRAMS = (
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
)
_CONFIRMED = {"commitment": "finalized"}
_SOURCE = "solana"


def balances(node: Node, owner: str, known: Directory, ticked: set[str]) -> dict[str, Balance]:
    """What an address holds, of the coin, of tokens that we look for and of those that its user ticked.

    Raises:
        RateLimited, Unavailable, BadPayload: see there.
    """
    questions = [Question("getBalance", (owner, _CONFIRMED))]
    questions += [
        Question(
            "getTokenAccountsByOwner",
            (owner, {"programId": program}, {**_CONFIRMED, "encoding": "jsonParsed"}),
        )
        for program in _PROGRAMS
    ]
    coin, *programs = node.ask(questions)
    try:
        made = {NATIVE: Balance(NATIVE, _whole(coin["value"]), known.facts[NATIVE])}
        for account in (each for program in programs for each in program["value"]):
            _add(made, account["account"]["data"]["parsed"]["info"], known, ticked)
    except (KeyError, TypeError, ValueError):
        raise BadPayload(_SOURCE, "the answer makes no sense", repr(coin)) from None
    return made


def _add(
    made: dict[str, Balance], info: dict[str, Any], known: Directory, ticked: set[str]
) -> None:
    """Add a token account: one owner may have several of one token."""
    mint = str(info["mint"])
    facts = known.facts.get(mint.lower())
    if facts is None and mint not in ticked:
        return
    tokens = info["tokenAmount"]
    held = made[mint].raw if mint in made else 0
    facts = facts or TokenFacts(None, _whole(tokens["decimals"]))
    made[mint] = Balance(mint, held + _whole(tokens["amount"]), facts)


def _whole(value: Any) -> int:
    number = int(value)
    if number < 0 or isinstance(value, bool | float):
        raise ValueError("no amount")
    return number
