"""Compressed answers: the same content in fewer bytes, and none of what gives out a secret."""

import gzip
import json
import re

import pytest

from tests.integration.webapi.conftest import V1
from webapi.http.compression import LEAST, SECRETS

GZIP = {"Accept-Encoding": "br;q=1, gzip;q=0.5"}
_SECRET_WORDS = re.compile(r"^(access|refresh)Token$|[sS]ecret$|^key$|Codes$|[nN]once|^qr|^otpauth")


@pytest.fixture
def full(person):
    for number in range(12):
        body = {
            "alertType": "price",
            "tokenSymbol": "BTC",
            "condition": "above",
            "threshold": number + 1,
        }
        assert person.post("/alerts", body).status_code == 201
    return person


def test_a_large_answer_is_compressed_for_who_asks_and_is_the_same(full) -> None:
    plain = full.get("/alerts")
    packed = full.get("/alerts", headers=GZIP)
    assert len(plain.data) >= LEAST
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 3
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    for refused in ("identity", "gzip;q=0", ""):
        assert (
            "Content-Encoding"
            not in full.get("/alerts", headers={"Accept-Encoding": refused}).headers
        )
    assert (
        "Content-Encoding"
        not in full.get("/tax/regimes?x=1", headers={"Accept-Encoding": "deflate"}).headers
    )


def test_a_small_answer_stays_as_it_is(person) -> None:
    assert "Content-Encoding" not in person.get("/alerts", headers=GZIP).headers


def test_a_cached_page_is_compressed_again_each_time_and_its_tag_still_holds(person) -> None:
    path = "/tokens?limit=100"
    first, second = (person.get(path, headers=GZIP) for _ in range(2))
    assert first.data == second.data
    assert first.headers["ETag"].startswith("W/")
    assert json.loads(gzip.decompress(second.data)) == person.get(path).json
    held = person.get(path, headers={**GZIP, "If-None-Match": first.headers["ETag"]})
    assert (held.status_code, held.data) == (304, b"")


def test_no_answer_of_a_route_that_gives_out_a_secret_is_compressed(client, full) -> None:
    """By the description of all answers: a field that is named like a secret."""
    spec = json.loads(client.get("/api/openapi.json").data)
    found = set()
    for path, item in spec["paths"].items():
        for operation in item.values():
            if not isinstance(operation, dict):
                continue
            text = json.dumps(operation.get("responses", {}))
            names = {
                each for name in re.findall(r"schemas/(\w+)", text) for each in _fields(spec, name)
            }
            if any(_SECRET_WORDS.search(name) for name in names):
                found.add(path)
    assert f"{V1}/auth/login" in found
    assert f"{V1}/channels" in found
    public = {path for path in found if path in ("/.well-known/jwks.json", "/api/openapi.json")}
    left = {path for path in found - public if not SECRETS.match(re.sub(r"\{\w+\}", "x", path))}
    assert left == set()
    export = full.get("/account/export", headers=GZIP)
    assert len(export.data) > LEAST
    assert "Content-Encoding" not in export.headers


def _fields(spec: dict, name: str, seen: frozenset = frozenset()) -> set[str]:
    """The fields of a model and of those in it."""
    if name in seen or name == "Problem":
        return set()
    model = spec["components"]["schemas"].get(name, {})
    inner = {each for each in re.findall(r"schemas/(\w+)", json.dumps(model)) if each != name}
    return set(model.get("properties", {})).union(
        *(_fields(spec, each, seen | {name}) for each in inner), set()
    )
