"""API keys: what they open, what they never open, and how they end. Signed ones are attacked part by part."""

import base64
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from tests.integration.webapi.conftest import NOW, V1, assert_problem, new_person
from webapi.api_keys.scopes import KeyScope

ALERT = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 100000}


@pytest.fixture(autouse=True)
def _now(clock) -> None:
    clock[0] = NOW


def made(person, *scopes: str, **fields: Any) -> dict[str, Any]:
    body = {"name": "test", "scopes": list(scopes), **fields}
    answer = person.post("/api-keys", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def use(client, key: str, path: str = "/alerts", method: str = "GET", **options: Any):
    headers = {"Authorization": f"Bearer {key}", **options.pop("headers", {})}
    return client.open(V1 + path, method=method, headers=headers, **options)


def test_a_key_is_shown_once_and_stored_as_a_hash(person, owner_db) -> None:
    new = made(person, "alerts:read")
    key = new["key"]
    assert key.startswith("cs_live_")
    assert len(base64.urlsafe_b64decode(key.removeprefix("cs_live_") + "=")) == 32
    stored = owner_db.execute(
        "select key_hash, prefix, to_jsonb(k)::text from app.api_keys k where id = %s",
        [new["apiKey"]["id"]],
    ).fetchone()
    assert bytes(stored[0]) == hashlib.sha256(key.encode()).digest()
    assert key.startswith(stored[1])
    assert key not in stored[2]
    listed = person.get("/api-keys")
    assert listed.json["apiKeys"] == [new["apiKey"]]
    assert key not in listed.text


def test_a_key_opens_what_its_scopes_say(client, person) -> None:
    key = made(person, "alerts:read")["key"]
    assert use(client, key).status_code == 200
    body = assert_problem(use(client, key, method="POST", json=ALERT), 403, says="alerts:write")
    assert body["type"].endswith("scope")
    assert_problem(use(client, key, "/tokens"), 403, says="market:read")
    writer = made(person, "alerts:write")["key"]
    answer = use(client, writer, method="POST", json=ALERT)
    assert answer.status_code == 201
    # What a key makes is its owner's.
    assert len(person.get("/alerts").json["alerts"]) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/me"),
        ("POST", "/auth/logout-all"),
        ("GET", "/api-keys"),
        ("POST", "/api-keys"),
        ("GET", "/admin/users"),
    ],
)
def test_no_key_opens_the_account(client, administrator, method: str, path: str) -> None:
    every = [scope for scope in KeyScope if scope not in ("exchanges:write", "payouts:write")]
    key = made(administrator, *every)["key"]
    assert_problem(use(client, key, path, method, json={}), 403, says="API key cannot be used")


@pytest.mark.parametrize(
    "key", ["cs_live_", "cs_live_" + "A" * 43, "cs_live_x\x7f", "cs_test_" + "A" * 43]
)
def test_what_is_no_key_opens_nothing(client, key: str) -> None:
    assert_problem(use(client, key), 401, says="unauthorized")


def test_a_revoked_key_is_dead_at_once(client, person, other) -> None:
    new = made(person, "alerts:read")
    path = f"/api-keys/{new['apiKey']['id']}"
    assert_problem(other.ask("DELETE", path), 404)
    assert use(client, new["key"]).status_code == 200
    assert person.ask("DELETE", path).status_code == 200
    assert_problem(use(client, new["key"]), 401)
    assert_problem(person.ask("DELETE", path), 404)
    assert person.get("/api-keys").json["apiKeys"] == []


def test_a_key_expires(client, person, clock) -> None:
    until = NOW + timedelta(hours=1)
    key = made(person, "alerts:read", expiresAt=until.isoformat())["key"]
    clock[0] = until - timedelta(seconds=1)
    assert use(client, key).status_code == 200
    clock[0] = until
    assert_problem(use(client, key), 401)


def test_a_disabled_account_has_no_keys(client, person, owner_db) -> None:
    key = made(person, "alerts:read")["key"]
    owner_db.execute("update app.users set is_active = false where id = %s", [person.id])
    assert_problem(use(client, key), 401)


def test_rotation_overlaps(client, person, clock) -> None:
    old = made(person, "alerts:read", allowedNetworks=["127.0.0.0/8"])
    path = f"/api-keys/{old['apiKey']['id']}/rotate"
    answer = person.post(path, {"overlapSeconds": 60})
    assert answer.status_code == 201
    new = answer.json
    assert new["apiKey"]["rotatedFrom"] == old["apiKey"]["id"]
    assert new["apiKey"]["allowedNetworks"] == ["127.0.0.0/8"]
    clock[0] = NOW + timedelta(seconds=59)
    assert [use(client, each["key"]).status_code for each in (old, new)] == [200, 200]
    clock[0] = NOW + timedelta(seconds=60)
    assert [use(client, each["key"]).status_code for each in (old, new)] == [401, 200]


def test_a_key_is_good_from_its_networks_only(client, person, owner_db) -> None:
    key = made(person, "alerts:read", allowedNetworks=["10.1.0.0/16", "2001:db8::/32"])["key"]
    for address, status in (
        ("10.1.2.3", 200),
        ("10.2.0.1", 403),
        ("2001:db8::7", 200),
        ("2001:db9::7", 403),
        ("127.0.0.1", 403),
    ):
        answer = use(client, key, environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == status, address
    told = owner_db.execute(
        "select count(*) from app.audit_logs where action = 'api_key.refused' and actor_id = %s",
        [person.id],
    )
    assert told.fetchone() == (3,)
    forged = use(client, key, headers={"X-Forwarded-For": "10.1.2.3"})
    assert_problem(forged, 403)


def test_its_last_use_is_noted_to_the_minute(client, person, clock) -> None:
    key = made(person, "alerts:read")["key"]
    for seconds in (0, 30, 61):
        clock[0] = NOW + timedelta(seconds=seconds)
        use(client, key)
    shown = person.get("/api-keys").json["apiKeys"][0]
    assert shown["lastUsedAt"] == "2026-03-10T12:31:01Z"
    assert shown["lastUsedFrom"] == "127.0.0.1"


def test_nobody_has_more_than_twenty(app, client) -> None:
    person = new_person(client)

    def make(_: int) -> int:
        body = {"name": "k", "scopes": ["alerts:read"]}
        own = app.test_client()
        return own.post(f"{V1}/api-keys", json=body, headers=person.headers).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(make, range(32)))
    assert statuses.count(201) == 20
    assert statuses.count(409) == 12


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"allowedNetworks": ["10.0.0.1/8"]}, "allowedNetworks.0"),
        ({"publicKey": "AAAA"}, "publicKey"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"scopes": ["exchanges:write"]}, "publicKey"),
        ({"userId": "x"}, "userId"),
    ],
)
def test_a_malformed_key_is_refused(person, change: dict[str, Any], path: str) -> None:
    body = {"name": "k", "scopes": ["alerts:read"], **change}
    details = assert_problem(person.post("/api-keys", body), 400)["details"]
    assert details[0]["path"] == path


class _Resolver(HTTPSignatureKeyResolver):
    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self._private


class _Message:
    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = method, url, headers


class Signed:
    """A key that signs, as a client of it would."""

    def __init__(self, client, person, *scopes: str) -> None:
        self.client = client
        self.private = Ed25519PrivateKey.generate()
        public = base64.b64encode(self.private.public_key().public_bytes_raw()).decode()
        new = made(person, *scopes, publicKey=public)
        self.id, self.key = new["apiKey"]["id"], new["key"]
        assert new["apiKey"]["isSigned"] is True

    def headers(
        self,
        method: str = "GET",
        path: str = "/alerts",
        body: bytes = b"",
        *,
        created: datetime = NOW,
        nonce: str | None = None,
        covered: tuple[str, ...] = ("@method", "@authority", "@target-uri"),
        private: Ed25519PrivateKey | None = None,
        key_id: str | None = None,
    ) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key}"}
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["Content-Digest"] = f"sha-256=:{digest}:"
            covered = (*covered, "content-digest")
        message = _Message(method, f"http://localhost{V1}{path}", headers)
        signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519,
            key_resolver=_Resolver(private or self.private),
        )
        signer.sign(
            message,
            key_id=key_id or self.id,
            created=created,
            nonce=secrets.token_hex(8) if nonce is None else nonce,
            covered_component_ids=covered,
            use_existing_digest=bool(body),
        )
        return headers

    def send(self, headers: dict[str, str], method: str = "GET", path: str = "/alerts", body=b""):
        options = {"data": body, "content_type": "application/json"} if body else {}
        return self.client.open(V1 + path, method=method, headers=headers, **options)


@pytest.fixture
def signed(client, person) -> Signed:
    return Signed(client, person, "alerts:read", "alerts:write", "exchanges:write")


BODY = b'{"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 100000}'


def test_a_signed_request_is_let_in(signed) -> None:
    assert signed.send(signed.headers()).status_code == 200
    query = signed.headers(path="/alerts?limit=3&x=%7e")
    assert signed.send(query, path="/alerts?limit=3&x=%7e").status_code == 200
    assert signed.send(signed.headers("POST", body=BODY), "POST", body=BODY).status_code == 201
    extra = {**signed.headers(), "X-Unsigned": "ignored"}
    assert signed.send(extra).status_code == 200


def test_a_key_that_signs_is_nothing_without_a_signature(signed) -> None:
    assert_problem(signed.send({"Authorization": f"Bearer {signed.key}"}), 401, says="signature")


def test_each_tampered_part_is_noticed(signed) -> None:
    cases = {
        "method": (signed.headers("GET", "/alerts"), "POST", "/alerts", BODY),
        "path": (signed.headers(path="/alerts"), "GET", "/alerts/x", b""),
        "query": (signed.headers(path="/alerts?a=1"), "GET", "/alerts?a=2", b""),
        "body": (signed.headers("POST", body=BODY), "POST", "/alerts", BODY.replace(b"above", b"below")),
        "body where none was": (signed.headers("POST"), "POST", "/alerts", BODY),
        "another key": (signed.headers(private=Ed25519PrivateKey.generate()), "GET", "/alerts", b""),
        "another id": (signed.headers(key_id="somebody"), "GET", "/alerts", b""),
        "host": ({**signed.headers(), "Host": "127.0.0.1"}, "GET", "/alerts", b""),
        "old": (signed.headers(created=NOW - timedelta(seconds=301)), "GET", "/alerts", b""),
        "future": (signed.headers(created=NOW + timedelta(seconds=301)), "GET", "/alerts", b""),
        "no nonce": (signed.headers(nonce=""), "GET", "/alerts", b""),
        "long nonce": (signed.headers(nonce="n" * 129), "GET", "/alerts", b""),
        "method not covered": (signed.headers(covered=("@authority", "@target-uri")), "GET", "/alerts", b""),
        "address not covered": (signed.headers(covered=("@method", "@authority")), "GET", "/alerts", b""),
        "garbage": (
            {**signed.headers(), "Signature": "sig=:AAAA:", "Signature-Input": "x"}, "GET", "/alerts", b"",
        ),
    }  # fmt: skip
    for name, (headers, method, path, body) in cases.items():
        answer = signed.send(headers, method, path, body)
        assert answer.status_code == 401, name
        assert_problem(answer, 401, says="unauthorized")


def test_a_digest_that_is_not_of_the_body_is_noticed(signed) -> None:
    headers = signed.headers("POST", body=BODY)
    digest = base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
    headers["Content-Digest"] = f"sha-256=:{digest}:"
    assert_problem(signed.send(headers, "POST", body=BODY), 401)
    # A digest of this body, but not of the one that was signed.
    other = BODY.replace(b"above", b"below")
    swapped = {**signed.headers("POST", body=BODY)}
    good = base64.b64encode(hashlib.sha256(other).digest()).decode()
    swapped["Content-Digest"] = f"sha-256=:{good}:"
    assert_problem(signed.send(swapped, "POST", body=other), 401)


def test_a_nonce_is_good_once_also_for_32_threads(app, signed) -> None:
    headers = signed.headers(nonce="once")

    def send(_: int) -> int:
        return app.test_client().get(f"{V1}/alerts", headers=headers).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(send, range(32)))
    assert statuses.count(200) == 1
    assert statuses.count(401) == 31


def test_without_the_database_no_signature_is_let_in(api_settings, signed) -> None:
    from pydantic import SecretStr

    from webapi.app import create_app
    from webapi.services import EXTENSION

    away = SecretStr("postgresql://nobody:x@127.0.0.1:1/x")
    app = create_app(api_settings.model_copy(update={"database_url": away}), clock=lambda: NOW)
    answer = app.test_client().get(f"{V1}/alerts", headers=signed.headers())
    assert_problem(answer, 503)
    app.extensions[EXTENSION].close()
