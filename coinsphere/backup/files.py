"""Backs up what lies beside the databases: files of models, stored once by content; keys, sealed apart; settings."""

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import SecretStr

from coinsphere import log
from coinsphere.backup.model import FILES, KEYS
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import SUFFIX, Seals
from coinsphere.errors import BackupError
from coinsphere.local.state import State
from coinsphere.settings import Settings

_log = log.get("backup")
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_BLOBS = f"{FILES}/blobs"
_INDEXES = f"{FILES}/indexes"


class Mirror:
    """Stores new files of models and new keys at one place."""

    def __init__(self, place: Place, seals: Seals, settings: Settings) -> None:
        if settings.mlflow_artifacts is not None:
            _log.warning(
                "files of models lie elsewhere and are not backed up", at=settings.mlflow_artifacts
            )
        self._place = place
        self._seals = seals
        self._settings = settings
        self._digests: dict[tuple[str, int, int], str] = {}
        self._blobs: set[str] | None = None
        self._index: Mapping[str, str] | None = None
        self._keys: bytes | None = None

    def sync(self, now: datetime) -> None:
        """Store what changed since the last time.

        Raises:
            BackupError: the place does not take it.
        """
        if self._blobs is None:
            self._blobs = {Path(path).name for path, _ in self._place.walk(_BLOBS)}
        folder = State(self._settings.state).artifacts
        is_here = self._settings.mlflow_artifacts is None and folder.is_dir()
        index = dict(self._scan(folder)) if is_here else {}
        for path, digest in index.items():
            if f"{digest}{SUFFIX}" not in self._blobs:
                self._put(folder / path, f"{_BLOBS}/{digest}{SUFFIX}")
                self._blobs.add(f"{digest}{SUFFIX}")
        if index != self._index:
            self._put_bytes(
                json.dumps(index).encode(), f"{_INDEXES}/{now.strftime(_STAMP)}.json{SUFFIX}"
            )
            self._index = index
        self._sync_keys(now)

    def _sync_keys(self, now: datetime) -> None:
        keys = bundle(self._settings)
        if keys == self._keys:
            return
        with tempfile.TemporaryDirectory(prefix="coinsphere-keys-") as scratch:
            sealed = Path(scratch, "sealed")
            sealed.write_bytes(self._seals.seal_keys(keys))
            self._place.put(f"{KEYS}/{now.strftime(_STAMP)}.tar{SUFFIX}", sealed)
        self._keys = keys

    def _scan(self, folder: Path) -> Iterator[tuple[str, str]]:
        """Path and SHA-256 of every file; of one that did not change it is known already."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                facts = path.stat()
                name = path.relative_to(folder).as_posix()
                known = (name, facts.st_size, facts.st_mtime_ns)
                if known not in self._digests:
                    self._digests[known] = digest_of(path)
                yield name, self._digests[known]

    def _put(self, source: Path, path: str) -> None:
        with tempfile.TemporaryDirectory(prefix="coinsphere-files-") as scratch:
            sealed = Path(scratch, "sealed")
            self._seals.seal(source, sealed)
            self._place.put(path, sealed)

    def _put_bytes(self, data: bytes, path: str) -> None:
        with tempfile.TemporaryDirectory(prefix="coinsphere-files-") as scratch:
            plain = Path(scratch, "plain")
            plain.write_bytes(data)
            self._put(plain, path)


def fetch_files(place: Place, seals: Seals, until: datetime | None, folder: Path) -> int:
    """Write the models' files as they were at `until` into `folder`. Returns how many they are.

    Raises:
        BackupError: one is missing, cannot be opened, or is not what it was.
    """
    newest = _newest(place, _INDEXES, until)
    if newest is None:
        return 0
    index: dict[str, str] = json.loads(_fetch(place, seals, newest))
    for name, digest in index.items():
        target = folder / _inside(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_fetch(place, seals, f"{_BLOBS}/{digest}{SUFFIX}"))
        if digest_of(target) != digest:
            raise BackupError(f"{name} is not what it was when it was stored.")
    return len(index)


def fetch_keys(place: Place, seals: Seals, until: datetime | None, folder: Path) -> None:
    """Write the keys as they were at `until` into `folder`, readable by nobody else. Returns how many they are.

    Raises:
        BackupError: there are none, or they cannot be opened.
    """
    newest = _newest(place, KEYS, until)
    if newest is None:
        raise BackupError(f"{place.name} holds no keys.")
    with tempfile.TemporaryDirectory(prefix="coinsphere-keys-") as scratch:
        sealed = Path(scratch, "sealed")
        place.get(newest, sealed)
        plain = seals.open_keys(sealed.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        archive.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def bundle(settings: Settings) -> bytes:
    """Every key and password of the state as a tar; the same content gives the same bytes."""
    state = State(settings.state)
    sources = {
        "keys": settings.keys_dir,
        "encryption-keys": settings.encryption_keys,
        "password-keys": settings.password_keys,
        "audit-keys": settings.audit_keys,
        "audit-anchors.jsonl": settings.audit_anchors,
        "credentials.env": state.credentials,
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, source in sources.items():
            for path in [source, *sorted(source.rglob("*"))] if source.exists() else []:
                inner = PurePosixPath(name, path.relative_to(source).as_posix())
                archive.add(path, str(inner), recursive=False)
    return buffer.getvalue()


def plain_settings(settings: Settings) -> bytes:
    """The settings that are no secrets, as JSON."""
    shown = {
        name: value
        for name, value in settings.model_dump(mode="json").items()
        if not isinstance(getattr(settings, name), SecretStr) and value is not None
    }
    return json.dumps(shown, indent=2).encode()


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def old(place: Place, before: datetime) -> list[str]:
    """Paths of indexes and keys that were replaced before `before`; no backup that is kept needs them."""
    paths = []
    for prefix in (_INDEXES, KEYS):
        earlier = [path for path, _ in place.walk(prefix) if _stamp(path) < before]
        # The newest one of before is what was there then.
        paths += sorted(earlier, key=_stamp)[:-1]
    return paths


def unused(place: Place, seals: Seals) -> list[str]:
    """Paths of files that no index names any more; none where the indexes cannot be opened on this machine."""
    if not seals.identities:
        return []
    named: set[str] = set()
    for path, _ in place.walk(_INDEXES):
        named |= set(json.loads(_fetch(place, seals, path)).values())
    blobs = [path for path, _ in place.walk(_BLOBS)]
    return [path for path in blobs if Path(path).name.removesuffix(SUFFIX) not in named]


def _newest(place: Place, prefix: str, until: datetime | None) -> str | None:
    """The newest by `until`; where there is none yet, the first."""
    paths = sorted((path for path, _ in place.walk(prefix)), key=_stamp)
    fitting = [path for path in paths if until is None or _stamp(path) <= until]
    return fitting[-1] if fitting else paths[0] if paths else None


def _stamp(path: str) -> datetime:
    name = Path(path).name.split("Z.")[0] + "Z"
    return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)


def _fetch(place: Place, seals: Seals, path: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="coinsphere-files-") as scratch:
        sealed, plain = Path(scratch, Path(path).name), Path(scratch, "plain")
        place.get(path, sealed)
        seals.open(sealed, plain)
        return plain.read_bytes()


def _inside(name: str) -> PurePosixPath:
    """A path that cannot lead out of the folder it is restored to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BackupError(f"{name!r} leads out of the folder of the models' files.")
    return path
