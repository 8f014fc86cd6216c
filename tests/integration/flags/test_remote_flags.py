"""Flags of another server, by the remote protocol of OpenFeature, against a local one that speaks it."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import psycopg
import pytest
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from pydantic import SecretStr

from coinsphere.experiments import records
from coinsphere.flags.catalogue import ALERT_MAIL_WORDING as FLAG
from coinsphere.flags.client import Flags
from coinsphere.settings import Settings

ADA = UUID(int=1)


@dataclass
class Server:
    """What it answers next, and what it was asked."""

    url: str = ""
    status: int = 200
    answer: object = None
    asked: list[tuple[str, str | None, dict]] = field(default_factory=list)

    def says(self, value: object, reason: str = "TARGETING_MATCH", **more: object) -> None:
        self.status = 200
        self.answer = {"key": FLAG.key, "value": value, "reason": reason, "variant": "v", **more}


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.asked.append((self.path, self.headers.get("Authorization"), body))
            content = json.dumps(told.answer).encode()
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        told.url = f"http://127.0.0.1:{http.server_port}"
        yield told
        http.shutdown()


@pytest.fixture
def flags(server) -> Flags:
    return Flags.of(Settings(flags_url=server.url, flags_token=SecretStr("secret")))


def test_the_server_decides_and_hears_no_more_than_it_needs(owner, server, flags) -> None:
    server.says("crossing")
    given = flags.give(owner, FLAG, ADA, "pro")
    assert (given.value, given.reason) == ("crossing", Reason.TARGETING_MATCH)
    (asked,) = server.asked
    context = {"targetingKey": str(ADA), "plan": "pro", "environment": "local"}
    path = f"/ofrep/v1/evaluate/flags/{FLAG.key}"
    assert asked == (path, "Bearer secret", {"context": context})


def test_a_draw_is_an_experiment_where_its_rules_have_a_version(
    owner: psycopg.Connection, server, flags
) -> None:
    now = datetime(2026, 3, 10, tzinfo=UTC)
    server.says("crossing", "SPLIT", metadata={"version": 7})
    drawn = flags.give(owner, FLAG, ADA, "free")
    assert (drawn.reason, drawn.flag_metadata["version"]) == (Reason.SPLIT, 7)
    server.says("crossing", "SPLIT")
    nameless = flags.give(owner, FLAG, ADA, "free")
    assert (nameless.value, nameless.reason) == ("crossing", Reason.TARGETING_MATCH)
    for given in (drawn, nameless):
        shown = records.expose(owner, FLAG, {ADA: given}, {ADA: 1}, now)
        assert shown == {ADA: "crossing"}


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (200, {"value": "shouting", "reason": "STATIC", "variant": "v"}, ErrorCode.PARSE_ERROR),
        (200, {"value": True, "reason": "STATIC", "variant": "v"}, ErrorCode.TYPE_MISMATCH),
        (200, {"value": "crossing"}, ErrorCode.PARSE_ERROR),
        (200, ["no object"], ErrorCode.PARSE_ERROR),
        (404, {"errorCode": "FLAG_NOT_FOUND", "errorDetails": "none"}, ErrorCode.FLAG_NOT_FOUND),
        (400, {"errorCode": "INVALID_CONTEXT", "errorDetails": "no"}, ErrorCode.INVALID_CONTEXT),
        (401, {}, ErrorCode.GENERAL),
        (500, {}, ErrorCode.GENERAL),
    ],
)
def test_a_bad_answer_gives_the_default(owner, server, status, answer, code) -> None:
    server.status, server.answer = status, answer
    flags = Flags.of(Settings(flags_url=server.url))
    given = flags.give(owner, FLAG, ADA, "pro")
    assert (given.value, given.error_code) == (FLAG.default, code)


def test_a_server_that_fails_is_left_alone_for_a_while(owner, server, flags) -> None:
    server.status, server.answer = 500, {}
    for _ in range(10):
        assert flags.give(owner, FLAG, ADA, "pro").value == FLAG.default
    assert len(server.asked) == 3
