"""Passwords that were stolen elsewhere, found in a file as Have I Been Pwned distributes it."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coinsphere.errors import ConfigurationError
from webapi.security.breaches import BreachFile, _is_stolen


def digest(text: str) -> bytes:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper().encode()


def written(folder: Path, texts: list[str], end: bytes = b"\r\n", *, last_end: bool = True) -> Path:
    lines = sorted(
        digest(text) + b":%d" % (10**number % 99_999_999) for number, text in enumerate(texts)
    )
    path = folder / "pwned.txt"
    path.write_bytes(end.join(lines) + (end if last_end else b""))
    return path


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last_end", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_each_of_a_file_is_found_and_nothing_else(tmp_path, end, last_end, size) -> None:
    stolen = [f"stolen {number}" for number in range(size)]
    file = BreachFile(written(tmp_path, stolen, end, last_end=last_end))

    assert all(file.holds(digest(text)) for text in stolen)
    assert not any(file.holds(digest(f"own {number}")) for number in range(1000))
    assert not file.holds(b"0" * 40)
    assert not file.holds(b"F" * 40)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stolen=st.sets(st.text(), min_size=1, max_size=30), asked=st.text())
def test_a_file_holds_what_a_set_would(tmp_path, stolen, asked) -> None:
    file = BreachFile(written(tmp_path, sorted(stolen)))
    assert file.holds(digest(asked)) == (asked in stolen)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"password\nletmein\n",
        digest("a").lower() + b":1\n",
        digest("a")[:32] + b":1\n",
        b"\n".join(sorted([digest("a"), digest("b")], reverse=True)),
    ],
    ids=["empty", "a bare line", "words", "small letters", "NTLM", "the wrong order"],
)
def test_another_file_is_refused_when_it_is_opened(tmp_path, content) -> None:
    path = tmp_path / "pwned.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="COINSPHERE_BREACHED_PASSWORDS_FILE"):
        BreachFile(path)


def test_a_missing_file_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        BreachFile(tmp_path / "none")


@pytest.mark.parametrize(
    ("line", "is_stolen"),
    [("ABC:3", True), ("ABC:0", False), ("ABD:3", False), ("ABC", False), ("", False)],
)
def test_padding_of_the_service_steals_nothing(line, is_stolen) -> None:
    assert _is_stolen(line, "ABC") == is_stolen
