"""An operation's texts in the document: a short title, the sentence of its docstring, and who may call it."""

import re
from collections.abc import Callable
from typing import Any

from webapi.api_keys.scopes import KeyScope
from webapi.security import access, limits, step_up
from webapi.security.access import Access

_WHO = {
    Access.PUBLIC: "Anybody may call it",
    Access.USER: "Needs a logged-in user",
    Access.ANALYST: "Needs an analyst or an administrator",
    Access.ADMIN: "Needs an administrator",
}
TAGS = {
    "Health": "Whether the system and its parts answer.",
    "Documentation": "This document, and a page to read it.",
    "Authentication": "Accounts are opened, sessions begin and end, keys verify tokens.",
    "Account": "What somebody sees and changes of the own account.",
    "Two-factor authentication": "Authenticator apps, passkeys and recovery codes.",
    "API keys": "Keys by which programs act for their owner.",
    "Tokens": "Prices, candles and what is known of crypto tokens.",
    "Watchlist": "Tokens that one follows without holding them.",
    "Alerts": "Rules that tell their owner when a price, a portfolio, a risk or a forecast moves.",
    "Predictions": "Forecasts with their intervals, and how earlier ones fared.",
    "Risk": "How risky a token is, from 0 to 100.",
    "GraphQL": "One question for what several routes give, in the words of docs/schema.graphql.",
    "Portfolios": "What somebody holds, what it is worth, earned and may lose.",
    "Transactions": "The ledger: every purchase, sale, transfer and fee.",
    "Exchanges": "Accounts at exchanges, read by a key that may do nothing else.",
    "DeFi": "Wallets on their chains, and what lies in protocols.",
    "Billing": "The plan that somebody has, and how it is paid for.",
    "Feedback": "What users tell those who run the system.",
    "Administration": "For those who run the system: accounts, data, tokens, switches, the audit log.",
}
"""What the routes of a tag are about."""
_END_OF_CLAUSE = re.compile(r"[;:.](?:\s|$)")


def title(sentence: str) -> str:
    """The first clause of a docstring's sentence, as documentation lists it."""
    return _END_OF_CLAUSE.split(sentence, maxsplit=1)[0]


def description(
    sentence: str, more: str | None, view: Callable[..., Any], scope: KeyScope | None
) -> str:
    """The whole docstring as Markdown, and below it who may call the route and what that costs."""
    return "\n\n".join(each for each in (sentence, more, _conditions(view, scope)) if each)


def _conditions(view: Callable[..., Any], scope: KeyScope | None) -> str:
    sentence = _WHO[access.of(view) or Access.PUBLIC]
    if scope is not None:
        sentence += f", or an API key with `{scope}`"
    if step_up.is_needed(view):
        sentence += ", and a login or a proof of presence within the last five minutes"
    if limits.cost_of(view) > 1:
        sentence += f". Counts as {limits.cost_of(view)} requests against the limit"
    return f"{sentence}."
