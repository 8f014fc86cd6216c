"""Our own static files and the few of others: kept in memory, compressed, under an address that names their content.

All share one folder of the address, the digest of them all, so a module imports its neighbour by its plain name, and a
browser keeps each for good: another content has another address.
"""

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from mimetypes import guess_type
from typing import cast

from flask import Blueprint, Response, current_app, request

from coinsphere import log
from webapi.http import errors, json
from webapi.security import limits
from webui.security.access import anyone

EXTENSION = "coinsphere-assets"
FOLDERS = ("static", "vendor")
_FOREVER = "public, max-age=31536000, immutable"
_TEXT = ("text/", "image/svg+xml", "application/manifest+json")
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}
_LEAST_COMPRESSED = 512
_log = log.get("webui.assets")

web_files = Blueprint("web_files", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `packed` is None where compression gains nothing."""

    mimetype: str
    body: bytes
    packed: bytes | None


class Assets:
    """Files by name, and the digest that their addresses bear."""

    def __init__(self, files: dict[str, bytes]) -> None:
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
        self.digest = digest.hexdigest()[:16]
        self._files = {name: _asset(name, body) for name, body in files.items()}

    @classmethod
    def of_package(cls) -> "Assets":
        """Those of this package; `make setup` puts the files of others into `vendor`, and pages work without them."""
        root = resources.files("webui")
        if not (root / "vendor").is_dir():
            _log.warning("webui/vendor is missing: pages have no charts; run `make setup`")
        return cls({each.name: each.read_bytes() for each in _listed(root)})

    def url(self, name: str) -> str:
        """The address of a file. Raises `KeyError` where there is none: a page must not name what is not there."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return name in self._files

    def body(self, name: str) -> bytes:
        """A file of that name, which is there."""
        return self._files[name].body

    def get(self, digest: str, name: str) -> Asset | None:
        """A file by its address; None where its content is another by now, or it never was."""
        return self._files.get(name) if digest == self.digest else None


def _listed(root: Traversable) -> list[Traversable]:
    folders = [root / name for name in FOLDERS]
    return [each for folder in folders if folder.is_dir() for each in folder.iterdir()
            if each.is_file()]  # fmt: skip


def _asset(name: str, body: bytes) -> Asset:
    suffix = name[name.rfind(".") :]
    mimetype = _TYPES.get(suffix) or guess_type(name)[0] or "application/octet-stream"
    is_packed = mimetype.startswith(_TEXT) and len(body) >= _LEAST_COMPRESSED
    return Asset(mimetype, body, gzip.compress(body, 9, mtime=0) if is_packed else None)


def current() -> Assets:
    """Those of the running app."""
    return cast("Assets", current_app.extensions[EXTENSION])


@web_files.get("/worker.js")
@anyone
@limits.exempt
def worker() -> Response:
    """The service worker: at the root, as it may keep pages of its own folder alone, and asked for anew each time."""
    answer = Response(current().body("worker.js"), mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    # A worker has the policy of its own file: it fetches pages.
    answer.headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"
    return answer


@web_files.get("/manifest.webmanifest")
@anyone
@limits.exempt
def manifest() -> Response:
    """By what it is installed like a program."""
    icon = current().url("icon.svg")
    sizes = {"src": icon, "sizes": "any", "type": "image/svg+xml"}
    body = {
        "name": "Coinsphere",
        "short_name": "Coinsphere",
        "start_url": "/dashboard",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#4650cf",
        "icons": [sizes, {**sizes, "purpose": "maskable"}],
    }
    answer = Response(json.dumps(body), mimetype="application/manifest+json")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@web_files.get("/static/<digest>/<name>")
@anyone
@limits.exempt
def file(digest: str, name: str) -> Response:
    """A style sheet, script or picture."""
    asset = current().get(digest, name)
    if asset is None:
        raise errors.not_found("file")
    is_packed = asset.packed is not None and request.accept_encodings.quality("gzip") > 0
    answer = Response(
        asset.packed if is_packed and asset.packed else asset.body, mimetype=asset.mimetype
    )
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Cache-Control"] = _FOREVER
    answer.headers["Vary"] = "Accept-Encoding"
    return answer
