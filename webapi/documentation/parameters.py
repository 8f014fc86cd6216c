"""Describes the path and query parameters in the OpenAPI document."""

from typing import Any

from coinsphere.flags.catalogue import CATALOGUE
from coinsphere.portfolio.tax.regimes import REGIMES
from webapi.features import Feature
from webapi.http import idempotency

_UUID = "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77"
_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "symbol": {
        "description": "Of a token, in any case of its letters: the one of the highest market cap that has it.",
        "example": "BTC",
    },
    "secret": {
        "description": "The last part of a link that its owner gave away.",
        "example": "bD9k3…",
    },
    "feature": {
        "description": "What is switched.",
        "schema": {"type": "string", "enum": [str(each) for each in Feature]},
        "example": "alerts",
    },
    "flag": {
        "description": "Whose rules are set.",
        "schema": {"type": "string", "enum": list(CATALOGUE)},
        "example": "alert-mail-wording",
    },
    "number": {
        "description": "Of a background job.",
        "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
        "example": "4711",
    },
    "name": {"description": "Of a file that the page loads.", "example": "start.js"},
    "regime": {
        "description": "The rules by which a tax report is made.",
        "schema": {"type": "string", "enum": list(REGIMES)},
        "example": "de",
    },
    "year": {
        "description": "The calendar year in which the tax year begins.",
        "schema": {"type": "string", "pattern": "^[0-9]{4}$"},
        "example": "2025",
    },
    "which": {
        "description": "Number of a row, or a token's symbol for all rows of it.",
        "example": "7",
    },
}
"""What a path may hold beside ids."""
_QUERY_DESCRIPTIONS = {
    "limit": "Entries of a page at most.",
    "cursor": "`nextCursor` of the page before.",
    "offset": "Entries that are passed over; a `cursor` is faster.",
    "from": "The first day, instead of `days`.",
    "to": "The last day; the newest one that is valued where it is left out.",
    "days": "Length of the period in days, up to its last day.",
}
"""Of parameters that several routes share and none describes."""
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "Names this request: sent again with the same key it has no second effect and gets the same answer.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.MAX_KEY,
        "pattern": "^[ -~]+$",
    },
    "example": "5b7c1f0e-8d55-4a53-9c2e-1b1de8a1c0aa",
}


def describe(parameters: list[dict[str, Any]]) -> None:
    """Add what a route does not say to the parameters of an operation."""
    for parameter in parameters:
        name, schema = parameter["name"], parameter["schema"]
        if parameter["in"] == "path":
            parameter.update(_id(name) if name.endswith("_id") else _PATH_PARAMETERS[name])
        elif parameter["in"] == "query":
            known = schema.get("description") or _QUERY_DESCRIPTIONS.get(name)
            if known is not None:
                parameter.setdefault("description", known)


def _id(name: str) -> dict[str, Any]:
    """A path's `portfolio_id`: what is no id is as unknown as one that nobody has."""
    return {
        "description": f"Id of the {name.removesuffix('_id').replace('_', ' ')}.",
        "schema": {"type": "string", "format": "uuid"},
        "example": _UUID,
    }
