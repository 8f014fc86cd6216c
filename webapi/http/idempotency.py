"""`Idempotency-Key`: a POST that is sent again has one effect, and gets the first answer again.

The key's row, the effect and the answer are one transaction: every `database.connection()` of the request joins it. A
process that is killed leaves either all of it or nothing. A second request with the key that comes while the first is
at work finds its advisory lock taken and is told to wait; nothing is kept of an answer that is no success.
"""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.errors import SealError
from coinsphere.security import envelope
from coinsphere.security.sealed_columns import idempotent_response
from webapi.http import errors
from webapi.security import access
from webapi.security.access import Access
from webapi.services import services

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_KEY = 255
RETRY_SECONDS = 1
_FIRST_FAILURE = 400
_KEPT_HEADERS = ("Content-Type", "Location")

# An account's own routes are guarded by what each act spends: a password, a code, a token. They answer with secrets.
_ACCOUNT = frozenset(("auth", "two_factor", "passkeys", "account", "data"))

_LOCK = "select pg_try_advisory_xact_lock(hashtextextended(%(name)s, 7265003))"
_FIND = """
    select id, request_hash, status, response from app.idempotency_keys
    where user_id = %(user_id)s and method = %(method)s and route = %(route)s and key = %(key)s
"""
_BEGIN = """
    insert into app.idempotency_keys (user_id, method, route, key, request_hash, created_at)
    values (%(user_id)s, %(method)s, %(route)s, %(key)s, %(request_hash)s, %(now)s)
    returning id
"""
_FINISH = """
    update app.idempotency_keys set status = %(status)s, response = %(response)s where id = %(id)s
"""

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_reads_only"


class _Answer(msgspec.Struct, frozen=True):
    """A stored answer."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Known:
    """The stored state of a key; without a status its request was abandoned between two commits."""

    id: UUID
    request_hash: bytes
    status: int | None
    response: bytes | None


@dataclass(frozen=True, slots=True)
class _Call:
    """A request with its key: its caller, its target and its content."""

    user_id: UUID
    method: str
    route: str
    key: str
    request_hash: bytes
    now: datetime

    @property
    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def name(self) -> str:
        return f"{self.user_id} {self.method} {self.route} {self.key}"


def reads_only(view: View) -> View:
    """Marks a POST that changes nothing, so that its answer is not kept for a key."""
    setattr(view, _MARK, True)
    return view


def is_honoured(endpoint: str, view: Callable[..., Any], method: str) -> bool:
    """Whether a route honours the header: every POST that is not public, reads-only or an account's own."""
    return (
        method == "POST"
        and access.of(view) not in (None, Access.PUBLIC)
        and endpoint.partition(".")[0] not in _ACCOUNT
        and not getattr(view, _MARK, False)
    )


def register(app: Flask) -> None:
    """Wrap every view of `app` that honours the header; call it when all routes are there."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if is_honoured(rule.endpoint, view, "POST") and "POST" in (rule.methods or ()):
            app.view_functions[rule.endpoint] = _honouring(view)


def _honouring(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if request.method != "POST" or HEADER not in request.headers:
            answer: ResponseReturnValue = view(*args, **kwargs)
            return answer
        return _once(_call(), lambda: current_app.make_response(view(*args, **kwargs)))

    return wrapped


def _once(call: _Call, act: Callable[[], Response]) -> Response:
    try:
        return _once_or_fail(call, act)
    except _Failed as failed:
        return failed.answer


def _once_or_fail(call: _Call, act: Callable[[], Response]) -> Response:
    with services().database.shared() as conn:
        known = _claim(conn, call)
        if known is not None and known.status is not None:
            return _replay(call, known)
        row_id = _begin(conn, call) if known is None else known.id
        answer = act()
        if answer.status_code >= _FIRST_FAILURE:
            raise _Failed(answer)
        _finish(conn, call, row_id, answer)
    return answer


class _Failed(Exception):
    """Rolls the transaction back where a view answers a failure instead of raising it."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _call() -> _Call:
    given = key = request.headers[HEADER].strip()
    # Quoted, as the draft writes it, or bare, as most clients do.
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(given) > MAX_KEY or not key.isascii() or not key.isprintable():
        message = f"must have 1 to {MAX_KEY} printable ASCII characters"
        raise errors.invalid([{"path": HEADER, "message": message, "code": "idempotency_key"}])
    assert request.url_rule is not None
    caller, work = access.principal(), services()
    parts = (request.full_path.encode(), request.get_data(cache=True))
    return _Call(
        user_id=caller.user_id,
        method=request.method,
        route=request.url_rule.rule,
        key=key,
        request_hash=hashlib.sha256(b"\0".join(parts)).digest(),
        now=work.clock(),
    )


def _claim(conn: Connection, call: _Call) -> _Known | None:
    """The stored state of the key, locked for this request.

    Raises:
        errors.Problem: 409 while another request with it is at work; 422 where it came with another request.
    """
    row = conn.execute(_LOCK, {"name": call.name}).fetchone()
    if row is None or not row[0]:
        raise errors.Problem(
            409,
            "a request with this Idempotency-Key is at work",
            detail="Send it again in a moment to get its answer.",
            code="idempotency-in-flight",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    known = conn.cursor(row_factory=class_row(_Known)).execute(_FIND, call.values).fetchone()
    if known is not None and known.request_hash != call.request_hash:
        raise errors.Problem(
            422,
            "this Idempotency-Key was sent with another request",
            detail="Take a new key for a new request.",
            code="idempotency-key-reused",
        )
    return known


def _begin(conn: Connection, call: _Call) -> UUID:
    row = conn.execute(_BEGIN, call.values).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def _finish(conn: Connection, call: _Call, row_id: UUID, answer: Response) -> None:
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    stored = msgspec.msgpack.encode(_Answer(headers, answer.get_data()))
    sealed = envelope.seal(
        services().encryption_keys, stored, idempotent_response(call.user_id, row_id)
    )
    conn.execute(_FINISH, {"status": answer.status_code, "response": sealed, "id": row_id})


def _replay(call: _Call, known: _Known) -> Response:
    assert known.response is not None
    assert known.status is not None
    place = idempotent_response(call.user_id, known.id)
    try:
        plain = envelope.open_(services().encryption_keys, known.response, place)
    except SealError as error:
        raise RuntimeError("a stored answer does not open") from error
    stored = msgspec.msgpack.decode(plain, type=_Answer)
    answer = Response(stored.body, known.status, stored.headers)
    answer.headers[REPLAYED] = "true"
    return answer
