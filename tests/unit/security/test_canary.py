"""The search for a planted secret finds it in every dress."""

import base64
import gzip
import json
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canary import assert_no_canary

CANARY = 'canary "ÿ"/7f3a9c+'
HIDDEN = {
    "plain": CANARY.encode(),
    "json": json.dumps({"x": CANARY}).encode(),
    "url": quote(CANARY, safe="").encode(),
    "hex": CANARY.encode().hex().encode(),
    "HEX": CANARY.encode().hex().upper().encode(),
    "utf-16": CANARY.encode("utf-16-le"),
    "gzip": gzip.compress(b"x" + CANARY.encode()),
    **{f"base64 {n}": base64.b64encode(b"abc"[:n] + CANARY.encode() + b"more") for n in range(3)},
    "base64url": base64.urlsafe_b64encode(b"ab" + CANARY.encode()),
}


@pytest.mark.parametrize("dress", HIDDEN)
def test_it_is_found(dress: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(
        b"\x00before " + HIDDEN[dress] if dress != "gzip" else HIDDEN[dress]
    )
    with pytest.raises(AssertionError, match="deep/log"):
        assert_no_canary(tmp_path, CANARY)
    assert_no_canary(tmp_path, CANARY, but=("log",))
    assert_no_canary(tmp_path, CANARY, but=("deep",))
    assert_no_canary(tmp_path, "another canary")
    with pytest.raises(AssertionError, match="deep/log"):
        assert_no_canary(tmp_path, "another canary", CANARY)


def test_it_is_found_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "dump.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.sql", CANARY)
    with pytest.raises(AssertionError, match=r"dump\.zip/table\.sql"):
        assert_no_canary(tmp_path, CANARY)


def test_what_is_clean_passes(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("nothing here: canary 7f3a9c")
    assert_no_canary(tmp_path, CANARY)
