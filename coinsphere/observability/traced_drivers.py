"""Traces PostgreSQL statements, Redis commands and HTTP calls, each at the driver's single entry point.

The doors are put in place when a process begins to tell traces, so that one that tells none goes the way that it always went.
What is sent to a server is never told but for a statement's text without its values, and a command's name.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg
import redis
import requests
from psycopg import sql
from redis.client import Pipeline

from coinsphere.observability.parts import Part
from coinsphere.observability.spans import Spans, takes_step

_LONGEST = 2_000
_TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<value>'(?:[^']|'')*(?:'|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)|(?<![\w$."])\d[\w.]*)
    |(?P<name>"(?:[^"]|"")*")""",
    re.DOTALL | re.VERBOSE,
)
_OPERATION = re.compile(r"\w+")
_TARGET = re.compile(
    r"""\b(?:from|into|update|table)\s+(?:only\s+)?((?:"?[a-z_]\w*"?\.)?"?[a-z_]\w*"?)(?![\w".(])""",
    re.IGNORECASE,
)
"""Of tables, not of functions."""
_ERROR = 400


def watch(spans: Spans) -> None:
    """Trace calls through the drivers; outside of a sent trace they cost nothing more."""
    watched: Any = psycopg.Cursor
    watched.execute = _statement(spans, watched.execute)
    watched.executemany = _statement(spans, watched.executemany)
    watched.copy = _copy(spans, watched.copy)
    client: Any = redis.Redis
    client.execute_command = _command(spans, client.execute_command)
    pipeline: Any = Pipeline
    pipeline.execute = _commands(spans, pipeline.execute)
    http: Any = httpx2.Client
    http.send = _call(spans, http.send)
    # MLflow's client asks its server by it; what sends the spans does, too, in a thread of which nothing is told.
    session: Any = requests.Session
    session.send = _call(spans, session.send)


def _statement(spans: Spans, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def execute(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if not takes_step():
            return plain(cursor, query, *arguments, **options)
        with _in_database(spans, cursor, query):
            return plain(cursor, query, *arguments, **options)

    return execute


def _copy(spans: Spans, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    @contextmanager
    def copy(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        if not takes_step():
            with plain(cursor, query, *arguments, **options) as copying:
                yield copying
            return
        with (
            _in_database(spans, cursor, query),
            plain(cursor, query, *arguments, **options) as copying,
        ):
            yield copying

    return copy


@contextmanager
def _in_database(spans: Spans, cursor: Any, query: Any) -> Iterator[None]:
    name, text = described(_text(cursor, query))
    part = Part(name, {"db.system.name": "postgresql", "db.query.text": text})
    with spans.step(part):
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate is not None:
                part.attributes["db.response.status_code"] = error.sqlstate
            raise


def _text(cursor: Any, query: Any) -> str:
    if isinstance(query, sql.Composable):
        return query.as_string(cursor)
    return query.decode(errors="replace") if isinstance(query, bytes) else str(query)


@lru_cache(maxsize=1_000)
def described(statement: str) -> tuple[str, str]:
    """A statement's name, such as `SELECT app.portfolios`, and its text without comments and values."""
    text = " ".join(_TOKENS.sub(_without_value, statement).split())
    operation = _OPERATION.search(text)
    target = _TARGET.search(text)
    words = [operation.group().upper()] if operation else ["SQL"]
    return " ".join([*words, *([target.group(1).replace('"', "")] if target else [])]), text[
        :_LONGEST
    ]


def _without_value(token: re.Match[str]) -> str:
    if token.lastgroup == "name":
        return token.group()
    return " " if token.lastgroup == "comment" else "?"


def _command(spans: Spans, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def execute_command(client: Any, *arguments: Any, **options: Any) -> Any:
        if not takes_step():
            return plain(client, *arguments, **options)
        with spans.step(Part(str(arguments[0]), {"db.system.name": "redis"})):
            return plain(client, *arguments, **options)

    return execute_command


def _commands(spans: Spans, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def execute(pipeline: Any, *arguments: Any, **options: Any) -> Any:
        if not takes_step():
            return plain(pipeline, *arguments, **options)
        size = len(pipeline.command_stack)
        part = Part("PIPELINE", {"db.system.name": "redis", "db.operation.batch.size": size})
        with spans.step(part):
            return plain(pipeline, *arguments, **options)

    return execute


def _call(spans: Spans, plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def send(client: Any, request: Any, **options: Any) -> Any:
        if not takes_step():
            return plain(client, request, **options)
        # Neither path nor query: in those of others stand keys, and addresses of wallets.
        host = urlsplit(str(request.url)).hostname or ""
        part = Part(
            f"{request.method} {host}",
            {"http.request.method": str(request.method), "server.address": host},
        )
        with spans.step(part):
            answer = plain(client, request, **options)
            part.attributes["http.response.status_code"] = answer.status_code
            part.failed = answer.status_code >= _ERROR
            return answer

    return send
