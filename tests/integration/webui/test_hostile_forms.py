"""Every form of every page, filled in by somebody who means ill: an answer always, and never a failure of ours."""

import io
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest

FIELDS = (
    *(
        "name",
        "file",
        "format",
        "kind",
        "q",
        "sort",
        "token",
        "symbol",
        "tokenSymbol",
        "year",
        "span",
        "country",
    ),
    *(
        "alertType",
        "condition",
        "threshold",
        "channels",
        "channelIds",
        "cooldownSeconds",
        "expiresAt",
        "portfolioId",
    ),
    *(
        "digestMinutes",
        "quietFrom",
        "quietUntil",
        "zone",
        "url",
        "topic",
        "chatId",
        "secret",
        "reason",
        "role",
        "next",
    ),
    *(
        "scopes",
        "allowedNetworks",
        "life",
        "contracts",
        "message",
        "signature",
        "address",
        "chain",
        "chains",
        "label",
    ),
    *(
        "markets",
        "syncMinutes",
        "exchange",
        "apiKey",
        "apiSecret",
        "isActive",
        "isOn",
        "decimals",
        "theme",
        "language",
    ),
    *(
        "ends",
        "state",
        "amount",
        "price",
        "date",
        "occurredAt",
        "fee",
        "note",
        "type",
        "currency",
        "costBasisMethod",
    ),
    *(
        "ignoreColumns",
        "numberFormat",
        "dateOrder",
        "timeZone",
        "parts",
        "map.date",
        "map.token",
        "map.amount",
    ),
    *(
        "email",
        "twoFactorToken",
        "ticket",
        "credential",
        "challengeId",
        "page",
        "cursor",
        "before",
        "after",
        "limit",
    ),
)
VALUES = ("a\0b", f"{'1' * 5000}٣²\u202e")
FILE = b"When,Coin,How many\n2024-01-01,BTC,1\n"
_HARD = re.compile(r"logout|delete|password|end-others|/remove$|revoke|two-factor|passkeys")
"""What would end the session or takes what the others need away; `test_account` and its like try them."""


@pytest.fixture
def places(administrator) -> dict[str, str]:
    """What stands in addresses."""
    administrator.get("/portfolios")
    made = administrator.post("/portfolios", {"name": "Hostile", "currency": "USD"})
    portfolio = made.headers["Location"].split("/")[2]
    administrator.get(f"/portfolios/{portfolio}/imports")
    started = administrator.post(
        f"/portfolios/{portfolio}/imports",
        {"file": (io.BytesIO(FILE), "own.csv"), "format": "generic"},
    )
    assert started.status_code == 303, started.text
    batch = started.headers["Location"].rpartition("/")[2]
    return {"portfolio_id": portfolio, "batch_id": batch, "symbol": "BTC", "feature": "passkeys"}


def addresses(app, method: str, places: dict[str, str]) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if (
            rule.endpoint.startswith("web_")
            and method in rule.methods
            and not _HARD.search(rule.rule)
        ):
            yield re.sub(
                r"<(?:\w+:)?(\w+)>", lambda found: places.get(found[1], str(uuid4())), rule.rule
            )


def test_no_form_and_no_query_makes_a_page_fail(app, administrator, places) -> None:
    broken = []
    asked = 0
    for value in VALUES:
        fields = dict.fromkeys(FIELDS, value)
        sound = {"format": "generic", "kind": "webhook", "next": "/"}
        for path in addresses(app, "POST", places):
            asked += 1
            if administrator.post(path, fields | sound).status_code >= 500:
                broken.append(f"POST {path} {value[:9]!r}")
    for path in addresses(app, "GET", places):
        asked += 1
        answer = administrator.client.get(path, query_string=dict.fromkeys(FIELDS, "a\0b"))
        if answer.status_code >= 500:
            broken.append(f"GET {path}")
    assert broken == []
    assert asked > 150
    assert administrator.get("/dashboard").status_code == 200
