"""Looks for a secret that was planted on purpose in everything that a run left behind."""

import base64
import gzip
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_LEAST = 12


def assert_no_canary(folder: Path, *canaries: str, but: tuple[str, ...] = ()) -> None:
    """Fail if one of `canaries` stands in any file below `folder`: logs, dumps, metrics, data files.

    Looked for as it is, quoted for a URL and for JSON, as hexadecimal, as base64 at each of its three alignments, and
    as UTF-16; inside gzip and zip files too.

    Args:
        folder: everything below it is read.
        canaries: the secrets, of 12 characters or more and unlike anything else.
        but: names of files, or folders, that may hold it, like the file of the settings that it was planted in.
    """
    if any(len(canary) < _LEAST for canary in canaries):
        raise ValueError("a short canary is found by chance")
    wanted = {canary: _forms(canary) for canary in canaries}
    found = [
        f"{name} holds {canary} as {form}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not set(path.relative_to(folder).parts) & set(but)
        for name, content in _contents(path)
        for canary, forms in wanted.items()
        for form, text in forms.items()
        if text in content
    ]
    if found:
        raise AssertionError("\n".join(found))


def _forms(canary: str) -> dict[str, bytes]:
    raw = canary.encode()
    forms = {
        "plain text": raw,
        "a part of a URL": quote(canary, safe="").encode(),
        "JSON": json.dumps(canary)[1:-1].encode(),
        "hexadecimal": raw.hex().encode(),
        "upper-case hexadecimal": raw.hex().upper().encode(),
        "UTF-16": canary.encode("utf-16-le"),
    }
    for shift in range(3):
        # The characters at the edges depend on the neighbours.
        encoded = base64.b64encode(bytes(shift) + raw)[4 if shift else 0 : -4]
        forms[f"base64 ({shift})"] = encoded
        forms[f"base64 for URLs ({shift})"] = encoded.translate(bytes.maketrans(b"+/", b"-_"))
    return forms


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    raw = path.read_bytes()
    yield str(path), raw
    if raw.startswith(b"\x1f\x8b"):
        try:
            yield f"{path} (unpacked)", gzip.decompress(raw)
        except (OSError, EOFError, zlib.error):
            return
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield f"{path}/{name}", archive.read(name)
