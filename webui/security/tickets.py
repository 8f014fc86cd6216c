"""Between two pages of a login: that this browser gave the right password of an account, for five minutes.

The password itself is in no page. A ticket opens nothing: who has it must still give the second factor, under the same
throttle. It is good in the browser that it was made for alone, and void once the password is another one.
"""

import hashlib
from datetime import timedelta
from uuid import UUID

from flask import request
from itsdangerous import BadSignature, URLSafeSerializer

from webapi.auth import logins
from webapi.auth.logins import Proved
from webapi.services import Services
from webui.security import forms

LIFE = timedelta(minutes=5)


def issue(work: Services, proved: Proved) -> str:
    """A ticket for who has just given the password."""
    user = proved.user
    until = (work.clock() + LIFE).timestamp()
    ticket: str = _serializer(work).dumps([str(user.id), _mark(user.password_hash), until])
    return ticket


def redeem(work: Services, ticket: str) -> Proved | None:
    """Whose password was given; None where the ticket is forged, too old, of another browser or another password."""
    try:
        user_id, mark, until = _serializer(work).loads(ticket)
    except BadSignature:
        return None
    if work.clock().timestamp() > until:
        return None
    proved = logins.proved_before(work, UUID(user_id))
    return proved if proved is not None and _mark(proved.user.password_hash) == mark else None


def _serializer(work: Services) -> URLSafeSerializer:
    browser = hashlib.sha256(request.cookies.get(forms.COOKIE, "").encode()).hexdigest()
    return URLSafeSerializer(work.password_keys.active.secret, salt=f"login ticket {browser}")


def _mark(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
