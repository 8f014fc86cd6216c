"""What tags in MLflow say, whoever wrote them: what we write is read, and anything else is refused in one way."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused
from ml.registry import tags


def test_what_we_write_is_read() -> None:
    assert tags.horizons({"at": ",".join(map(str, HORIZONS))}, "at") == HORIZONS
    assert tags.horizons({"at": "1, 7"}, "at") == (1, 7)
    assert tags.horizons({"at": ""}, "at") == tags.horizons({}, "at") == ()
    assert tags.version({"v": "12"}, "v") == 12
    assert tags.moment({"m": "2026-01-02T03:04:05Z"}, "m") == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=UTC
    )


@given(st.sampled_from([tags.horizons, tags.version, tags.moment]), st.text())
def test_anything_else_is_refused_and_named(read, text: str) -> None:
    """No text makes any other error, and what is read is a value of ours."""
    with suppress(ArtifactRefused):
        found = read({"tag": text}, "tag")
        assert isinstance(found, int | datetime) or set(found) <= {*HORIZONS}


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "\u0661", "9" * 5000, "1_0"])
def test_no_version_is_guessed(text: str) -> None:
    with pytest.raises(ArtifactRefused, match="names no version"):
        tags.version({"v": text}, "v")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-02T03:04:05", "9" * 5000, "2026-13-01"])
def test_no_moment_is_guessed(text: str) -> None:
    with pytest.raises(ArtifactRefused, match="names no"):
        tags.moment({"m": text}, "m")
