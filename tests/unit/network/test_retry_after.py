"""How long a busy server asks us to wait, as seconds or as a date."""

from datetime import UTC, datetime

import pytest

from coinsphere.network.retry_after import LONGEST_SECONDS, asked_pause

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("1.5", 1.5),
        (" 7 ", 7),
        ("Tue, 10 Mar 2026 12:31:00 GMT", 60),
        ("Tuesday, 10-Mar-26 12:31:00 GMT", 60),
        ("Tue Mar 10 12:31:00 2026", 60),
        ("Tue, 10 Mar 2026 12:29:00 GMT", 0),
        ("Tue, 10 Mar 2099 12:29:00 GMT", LONGEST_SECONDS),
        ("9" * 400, LONGEST_SECONDS),
        *((nonsense, None) for nonsense in ("", "soon", "inf", "nan", "-5", "1e9", "٣", "Tue, 99 Mar 2026 12:31:00 GMT")),
    ],
)  # fmt: skip
def test_a_pause_is_asked_for_in_seconds_or_as_a_date(text, seconds):
    assert asked_pause({"retry-After": text}, NOW) == seconds


def test_an_answer_that_asks_for_no_pause_has_none():
    assert asked_pause({"Date": "Tue, 10 Mar 2026 12:31:00 GMT"}, NOW) is None
