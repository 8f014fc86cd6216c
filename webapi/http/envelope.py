"""Limits of every request and headers of every answer. Imports nothing of ours: gunicorn's master loads it too."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

BODY_LIMIT = 1024 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer; a route may set its own Cache-Control and Content-Security-Policy."""
REQUEST_ID = "X-Request-ID"


def complete(headers: "Headers", others: Mapping[str, str]) -> None:
    """Add those of `others` that `headers` lacks; werkzeug would search all of them for each."""
    present = {name.lower() for name, _ in headers}
    headers.extend([pair for pair in others.items() if pair[0].lower() not in present])
