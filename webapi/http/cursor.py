"""Opaque cursors of lists, which clients return unread to get the next page."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from webapi.http import errors, json


def encode(values: Sequence[Any]) -> str:
    """The cursor behind a row whose sort keys are `values`."""
    return base64.urlsafe_b64encode(json.dumps(values)).rstrip(b"=").decode()


def decode(cursor: str, length: int) -> list[Any]:
    """The `length` sort keys of a cursor. Raises `errors.Problem` with status 400: it is none of ours."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        values = None
    # PostgreSQL refuses a zero byte in a text.
    if not isinstance(values, list) or len(values) != length or "\0" in "".join(map(str, values)):
        raise refused()
    return values


def number(cursor: str) -> int:
    """The one sort key of a cursor, the number of a row. Raises `errors.Problem` with status 400: it is none of ours."""
    (key,) = decode(cursor, 1)
    if not isinstance(key, int) or isinstance(key, bool) or not 0 < key < 1 << 63:
        raise refused()
    return key


def refused() -> errors.Problem:
    """400 for a cursor that is none of ours."""
    return errors.invalid(
        [{"path": "cursor", "message": "is no cursor of this list", "code": "cursor"}]
    )
