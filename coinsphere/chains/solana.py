"""Balances of Solana: the coin and the tokens of both token programs, by one request to a node."""

from typing import Any

from coinsphere import log
from coinsphere.chains.blockchains import NATIVE
from coinsphere.chains.curated import Directory
from coinsphere.chains.model import Balance, TokenFacts
from coinsphere.chains.rpc import Node, Question
from coinsphere.errors import BadPayload

_PROGRAMS = (
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
)
_CONFIRMED = {"commitment": "finalized"}
_SOURCE = "solana"
_NOTHING = Balance("", 0, TokenFacts(None, None))

_log = log.get("wallets")


def balances(
    node: Node, owner: str, known: Directory, ticked: set[str]
) -> dict[str, Balance | None]:
    """The balances of an address: the coin, curated tokens, and tokens that its user ticked.

    None of a token of which an account cannot be read: the others are told all the same.

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
        balances_by_mint: dict[str, Balance | None] = {
            NATIVE: Balance(NATIVE, _whole(coin["value"]), known.facts[NATIVE])
        }
        for account in (each for program in programs for each in program["value"]):
            _add(balances_by_mint, account["account"]["data"]["parsed"]["info"], known, ticked)
    except (KeyError, TypeError, ValueError):
        raise BadPayload(_SOURCE, "the answer makes no sense", repr(coin)) from None
    return balances_by_mint


def _add(
    balances_by_mint: dict[str, Balance | None],
    info: dict[str, Any],
    known: Directory,
    ticked: set[str],
) -> None:
    """Add a token account: one owner may have several of one token."""
    mint = str(info["mint"])
    facts = known.facts.get(mint.lower())
    if facts is None and mint not in ticked:
        return
    before = balances_by_mint.get(mint, _NOTHING)
    try:
        tokens = info["tokenAmount"]
        token = facts or TokenFacts(None, _whole(tokens["decimals"]))
        raw = _whole(tokens["amount"])
    except (LookupError, TypeError, ValueError) as error:
        _log.warning("token account unreadable", chain=_SOURCE, token=mint, error=repr(error))
        balances_by_mint[mint] = None
        return
    balances_by_mint[mint] = None if before is None else Balance(mint, before.raw + raw, token)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError("no amount")
    number = int(value)
    if number < 0:
        raise ValueError("no amount")
    return number
