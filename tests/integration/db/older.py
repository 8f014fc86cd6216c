"""Somebody's books, written by the code of the tree that PYTHONPATH names: its schema, its seeds, its API.

Tells their transactions as that API answers them. Only what each version has is used here.
"""

import json
import os
import sys
from typing import Any

import psycopg

from coinsphere.db import migrate, seeds
from coinsphere.settings import Settings
from webapi.app import create_app
from webapi.services import EXTENSION

V1 = "/api/v1"
ACCOUNT = {"email": "ada@example.org", "password": "correct horse battery"}
_TRADES = (
    ("buy", "BTC", 2, 30_000, "2025-01-10T10:00:00Z"),
    ("sell", "BTC", 0.5, 40_000, "2025-06-10T10:00:00Z"),
    ("buy", "ETH", 10, 2_500, "2025-07-10T10:00:00Z"),
)
_NAMES = ("type", "tokenSymbol", "amount", "price", "timestamp")


def main() -> None:
    """Write them into the empty database of the owner's address."""
    owner = os.environ["OLDER_OWNER_URL"]
    migrate.upgrade(owner)
    with psycopg.connect(owner) as conn:
        seeds.apply(conn)
    app = create_app(Settings.from_env())
    sys.stdout.write(json.dumps(_written(app.test_client())))
    app.extensions[EXTENSION].close()


def _written(client: Any) -> list[dict[str, Any]]:
    entered = asked(client, "post", "/auth/register", ACCOUNT)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {entered['accessToken']}"
    portfolio = asked(client, "post", "/portfolios", {"name": "Main"})["portfolio"]["id"]
    for trade in _TRADES:
        body = {"portfolioId": portfolio, **dict(zip(_NAMES, trade, strict=True))}
        asked(client, "post", "/transactions", body)
    alert = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 99_000}
    asked(client, "post", "/alerts", alert)
    return books(client)


def books(client: Any) -> list[dict[str, Any]]:
    """The transactions of who is logged in, by what every version tells of them."""
    told = asked(client, "get", "/transactions")["transactions"]
    return sorted(({name: each[name] for name in ("id", *_NAMES)} for each in told), key=str)


def asked(client: Any, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """What the API answers."""
    answer = getattr(client, method)(f"{V1}{path}", **({"json": body} if body else {}))
    assert answer.status_code < 300, (path, answer.status_code, answer.text)
    told: dict[str, Any] = json.loads(answer.text)
    return told


if __name__ == "__main__":
    main()
