"""Every route by everybody who may come, compared with the policy file: roles, owner and other, keys with and without scope.

The policy is `webapi/security/policy.json`. A route that it does not name, or names otherwise than its decorator, fails.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.integration.webapi.conftest import NOW, V1, Person, assert_problem, new_person
from webapi.api_keys.scopes import BY_FIELD, SIGNED, KeyScope, policy
from webapi.security import access

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNSIGNED = sorted(set(KeyScope) - SIGNED)
UNKNOWN = str(UUID(int=7))
# They take what they are given in the path or the body for a credential, so that nobody is refused for who they are.
UNTOLD = {f"{V1}/billing/stripe/events", f"{V1}/billing/btcpay/events"}
"""Not in the document: only a provider of payments calls it."""
BY_CREDENTIAL = re.compile(rf"^{V1}/(auth|2fa|passkeys|shared)/")
MAY_BE_UNKNOWN = re.compile(
    "batch_id|issue_id|share_id|job_id|session_id|passkey_id|connection_id|channel_id|wallet_id|symbol|name|which"
)


@dataclass(frozen=True)
class Route:
    """A method and an address, as the policy writes them, with what a caller sends."""

    method: str
    rule: str
    body: Any

    @property
    def entry(self) -> dict[str, str | None]:
        return policy()[f"{self.method} {self.rule}"]

    @property
    def arguments(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.rule)

    def path(self, ids: dict[str, str]) -> str:
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ids.get(match[1], UNKNOWN), self.rule)


def routes(app, client) -> list[Route]:
    """All routes, each with the example of its body from the OpenAPI document."""
    spec = json.loads(client.get("/api/openapi.json").data)
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted(rule.methods & set(METHODS)):
            told = {} if rule.rule in UNTOLD else spec["paths"][path][method.lower()]
            content = told.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("example")
            found.append(Route(method, rule.rule, body))
    return sorted(found, key=_order)


def _order(route: Route) -> tuple[bool, bool, str, str]:
    """What deletes comes last, and portfolios, with which their transactions go, last of all."""
    deletes = route.method == "DELETE"
    return deletes, deletes and route.rule.endswith("<portfolio_id>"), route.rule, route.method


def owned(person: Person) -> dict[str, str]:
    """One of each kind of thing that can be made in a line, by the name that routes give its id."""
    portfolio = person.post("/portfolios", {"name": "mine"}).json["portfolio"]["id"]
    alert = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    bought = {
        "portfolioId": portfolio,
        "tokenSymbol": "BTC",
        "type": "buy",
        "amount": 1,
        "price": 100,
        "timestamp": "2026-03-01T00:00:00Z",
    }
    transaction = person.post("/transactions", bought)
    assert transaction.status_code == 201, transaction.text
    holding = person.post(f"/portfolios/{portfolio}/holdings", {"tokenSymbol": "ETH", "amount": 1})
    assert holding.status_code == 201, holding.text
    key = person.post("/api-keys", {"name": "k", "scopes": ["market:read"]})
    return {
        "portfolio_id": portfolio,
        "alert_id": person.post("/alerts", alert).json["alert"]["id"],
        "transaction_id": transaction.json["transaction"]["id"],
        "holding_id": holding.json["holding"]["id"],
        "key_id": key.json["apiKey"]["id"],
        "user_id": person.id,
        "symbol": "BTC",
        "feature": "nothing",
        "flag": "nothing",
        "name": "start.js",
    }


class Crowd:
    """Somebody of each role, made anew where a route has ended their session."""

    def __init__(self, client, owner_db) -> None:
        self._client, self._db = client, owner_db
        self._people: dict[str, Person] = {}
        self._keys: dict[str, str] = {}

    def get(self, role: str) -> Person:
        known = self._people.get(role)
        if known is None or known.get("/auth/me").status_code != 200:
            known = new_person(self._client)
            self._db.execute("update app.users set role = %s where id = %s", [role, known.id])
            # The cached session knows the old role for a second.
            self._client.application.extensions["coinsphere"].sessions.bury()
            self._people[role] = known
        return known

    def key(self, scopes: tuple[str, ...]) -> dict[str, str]:
        """The headers of a key of an administrator with these scopes."""
        name = " ".join(scopes)
        if name not in self._keys:
            body = {"name": "k", "scopes": list(scopes)}
            made = self.get("admin").post("/api-keys", body)
            assert made.status_code == 201, made.text
            self._keys[name] = made.json["key"]
        return {"Authorization": f"Bearer {self._keys[name]}"}


@pytest.fixture
def crowd(client, owner_db, clock) -> Crowd:
    clock[0] = NOW
    return Crowd(client, owner_db)


def ask(client, route: Route, ids: dict[str, str], headers: dict[str, str]):
    options = {} if route.body is None else {"json": route.body}
    return client.open(route.path(ids), method=route.method, headers=headers, **options)


def is_let_in(answer) -> bool:
    """Whether access was granted, whatever came of it. A fresh login, or an address, may still have to be confirmed."""
    if answer.status_code == 403:
        unconfirmed = answer.json["type"].endswith(":email-not-verified")
        return unconfirmed or "requiresStepUp" in answer.json or "requires2FA" in answer.json
    return answer.status_code != 401


def test_the_policy_names_every_route_as_its_decorator_does(app) -> None:
    declared = {
        f"{method} {rule.rule}": str(access.of(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
        for method in rule.methods & set(METHODS)
    }
    assert {name: entry["access"] for name, entry in policy().items()} == declared


def test_scopes_are_for_routes_of_users_alone() -> None:
    for name, entry in policy().items():
        if entry.get("scope") is not None:
            assert entry["access"] == "user", name
            assert entry["scope"] in {*KeyScope, BY_FIELD}, name
        if re.match(rf"\w+ {V1}/(auth|2fa|passkeys|account|api-keys|admin)", name):
            assert entry.get("scope") is None, name


def test_each_role_at_each_route(app, client, crowd) -> None:
    """Nobody, a user, an analyst and an administrator: let in as the policy says, refused in the one shape."""
    allowed = {
        "public": {"nobody", "user", "analyst", "admin"},
        "user": {"user", "analyst", "admin"},
        "analyst": {"analyst", "admin"},
        "admin": {"admin"},
    }
    calls, wrong = 0, []
    for route in routes(app, client):
        if BY_CREDENTIAL.match(route.rule) and route.entry["access"] == "public":
            continue
        for role in ("nobody", "user", "analyst", "admin"):
            headers = {} if role == "nobody" else crowd.get(role).headers
            ids = {"symbol": "BTC", "name": "start.js", "feature": "nothing", "flag": "nothing"}
            answer = ask(client, route, ids, headers)
            calls += 1
            if is_let_in(answer) != (role in allowed[str(route.entry["access"])]):
                # A wrong password of one's own is refused with 401 too.
                if answer.status_code == 401 and "/auth/" in route.rule and role != "nobody":
                    continue
                wrong.append((role, route.method, route.rule, answer.status_code))
            elif role == "nobody" and not is_let_in(answer):
                assert_problem(answer, 401, says="unauthorized")
            elif not is_let_in(answer):
                assert_problem(answer, 403, says="access required")
    assert wrong == []
    assert calls >= 4 * 60


def test_what_is_ones_own_is_nobody_elses(app, client, crowd) -> None:
    """The owner finds it; another user, an analyst and an administrator get 404, as for what does not exist."""
    owner = new_person(client)
    ids = owned(owner)
    wrong, calls = [], 0
    for route in routes(app, client):
        if route.entry["access"] != "user" or not any(
            argument.endswith("_id") for argument in route.arguments
        ):
            continue
        for role in ("user", "analyst", "admin"):
            answer = ask(client, route, ids, crowd.get(role).headers)
            calls += 1
            if answer.status_code != 404:
                wrong.append(
                    (role, route.method, route.rule, answer.status_code, answer.text[:200])
                )
        answer = ask(client, route, ids, owner.headers)
        calls += 1
        is_there = all(
            not argument.endswith("_id") or argument in ids for argument in route.arguments
        )
        # The example of a body may name what is not there; an address that is one's own is there.
        refused = (401, 403) if route.body is not None else (401, 403, 404)
        if is_there and answer.status_code in refused:
            wrong.append(("owner", route.method, route.rule, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert calls >= 4 * 8


def test_keys_open_what_the_policy_gives_them(app, client, crowd) -> None:
    """A key with every unsigned scope, one with only the scope that is needed, and one with all but that."""
    wrong, calls = [], 0
    for route in routes(app, client):
        if route.entry["access"] == "public":
            continue
        needed = route.entry.get("scope")
        ids = {"symbol": "BTC", "name": "start.js", "feature": "nothing", "flag": "nothing"}
        every = ask(client, route, ids, crowd.key(tuple(UNSIGNED)))
        if is_let_in(every) != (needed in {*UNSIGNED, BY_FIELD}):
            wrong.append(("every", route.method, route.rule, every.status_code))
        calls += 1
        if needed not in UNSIGNED:
            continue
        only = ask(client, route, ids, crowd.key((str(needed),)))
        rest = tuple(scope for scope in UNSIGNED if scope != needed)
        without = ask(client, route, ids, crowd.key(rest))
        calls += 2
        if not is_let_in(only) or is_let_in(without):
            wrong.append((needed, route.method, route.rule, only.status_code, without.status_code))
    assert wrong == []
    assert calls >= 60
