"""How long a busy server asks us to wait: the header `Retry-After` (RFC 9110 10.2.3)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 86_400.0
"""Who asks for a longer pause is asked again after a day."""
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def asked_pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that an answer asks to wait, a day at most; None where it does not say.

    `Retry-After` is a number of seconds or a date (RFC 9110 10.2.3).
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_SECONDS)
    until = _date(text)
    if until is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    # An HTTP date is in GMT, also one that says so in a form without a zone (asctime).
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
