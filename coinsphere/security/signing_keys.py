"""Keys that sign access tokens, and their rotation without a refused request.

Each key is bound to one algorithm and to times, decided in one step when it is made::

    published ──(JWKS max-age)──► signs ──(next rotation)──► retired ──(last token + skew)──► expired
      next                        active

So nothing has to happen on time: every process reads the same times and takes the same key at the same instant, and a
verifier elsewhere that caches the JWKS for its max-age knows a key before the first token is signed with it. The times
stand in `keyring.json` beside the PEM files; processes look at that file on each use and need no restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from coinsphere.errors import ConfigurationError
from coinsphere.security import private_files, private_keys

JWKS_MAX_AGE = timedelta(minutes=5)
"""How long others may cache the JWKS; a key is published so long before it signs."""
SKEW = timedelta(seconds=30)
"""The clocks of our machines differ by less than this."""
LONGEST_TOKEN = timedelta(hours=1)
"""No access token lives longer, whatever the settings were when it was signed."""

_MANIFEST = "keyring.json"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class KeyState(StrEnum):
    """What a key may be used for at some instant."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `keyring.json` says of a key; `file` lies beside it. None: not decided yet."""

    kid: str
    algorithm: str
    file: str
    published_at: datetime
    signs_from: datetime
    signs_until: datetime | None = None
    verifies_until: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """What the key may be used for at `now`."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.verifies_until is not None and now >= self.verifies_until:
            return KeyState.EXPIRED
        if self.signs_until is not None and now >= self.signs_until:
            return KeyState.RETIRED
        return KeyState.NEXT if now < self.signs_from else KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its one algorithm and its times."""

    record: KeyRecord
    private: private_keys.PrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        """The key's id: its RFC 7638 thumbprint."""
        return self.record.kid

    @property
    def algorithm(self) -> str:
        """The only algorithm that the key is used with."""
        return self.record.algorithm

    @property
    def public(self) -> Any:
        """The half that verifies."""
        return self.private.public_key()

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return {
            **private_keys.members(self.private),
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.kid,
        }

    def may_have_signed(self, moment: datetime) -> bool:
        """Whether the key signed at `moment`, within the skew of clocks."""
        until = self.record.signs_until
        return self.record.signs_from - SKEW <= moment and (until is None or moment < until + SKEW)


class Keyring(Protocol):
    """The keys that sign and verify access tokens."""

    def signing(self, now: datetime) -> SigningKey:
        """The key that signs at `now`."""
        ...

    def find(self, kid: object, now: datetime) -> SigningKey:
        """The key of that id, if it verifies at `now`. Raises LookupError."""
        ...

    def jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public halves that verify at `now`, as a JSON Web Key Set."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeyring:
    """Keys as they were at one moment, by the time at which they begin to sign."""

    keys: tuple[SigningKey, ...]

    def signing(self, now: datetime) -> SigningKey:
        """The key that signs at `now`: the last that has begun to."""
        begun = [key for key in self.keys if key.record.signs_from <= now]
        return begun[-1] if begun else self.keys[0]

    def find(self, kid: object, now: datetime) -> SigningKey:
        """The key of that id, if it verifies at `now`. Raises LookupError."""
        for key in self._verifying(now):
            if key.kid == kid:
                return key
        raise LookupError("unknown key id")

    def jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public halves that verify at `now`, as a JSON Web Key Set."""
        return {"keys": [key.jwk for key in self._verifying(now)]}

    def _verifying(self, now: datetime) -> list[SigningKey]:
        # One that is published soon verifies already: the clock that signs may be ahead of ours.
        return [
            key
            for key in self.keys
            if key.record.state(now) is not KeyState.EXPIRED
            and key.record.published_at <= now + SKEW
        ]


class FileKeyring:
    """The keys of a folder. A rotation by another process is seen at the next use, without a restart."""

    def __init__(self, folder: Path, algorithm: str = "RS256") -> None:
        """Read the keys; the first start makes one of `algorithm`.

        Raises:
            ConfigurationError: a key is weak, is readable by others, or does not fit its algorithm.
        """
        self.folder = folder
        # Looked at on each use: made once.
        self._manifest = folder / _MANIFEST
        if not self._manifest.exists():
            _begin(folder, algorithm)
        self._seen = _version(self._manifest)
        self._keyring = load(folder)

    def signing(self, now: datetime) -> SigningKey:
        """The key that signs at `now`."""
        return self._current().signing(now)

    def find(self, kid: object, now: datetime) -> SigningKey:
        """The key of that id, if it verifies at `now`. Raises LookupError."""
        return self._current().find(kid, now)

    def jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public halves that verify at `now`, as a JSON Web Key Set."""
        return self._current().jwks(now)

    def _current(self) -> FixedKeyring:
        while (version := _version(self._manifest)) != self._seen:
            try:
                self._keyring, self._seen = load(self.folder), version
            except ConfigurationError:
                # A file that the list still named may be gone since: then there is a new list.
                if version == _version(self._manifest):
                    raise
        return self._keyring


def load(folder: Path) -> FixedKeyring:
    """The keys of `folder` that are not revoked.

    Raises:
        ConfigurationError: `keyring.json` or a key is missing, weak, readable by others or wrong.
    """
    usable = [record for record in records(folder) if record.revoked_at is None]
    if not usable:
        raise ConfigurationError(f"{folder / _MANIFEST} names no key that may be used.")
    return FixedKeyring(tuple(_read(folder, record) for record in _by_time(usable)))


def records(folder: Path) -> list[KeyRecord]:
    """What `keyring.json` says of every key, the revoked ones included. Raises ConfigurationError."""
    path = folder / _MANIFEST
    try:
        return msgspec.json.decode(private_files.read(path), type=list[KeyRecord])
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def rotate(folder: Path, now: datetime, algorithm: str, token_life: timedelta) -> KeyRecord:
    """Publish a new key that takes over once every cache of the JWKS knows it; what has expired is deleted.

    Args:
        folder: of the keys.
        now: the present instant.
        algorithm: of the new key.
        token_life: the old key verifies so long after it has stopped signing, and the skew on top.

    Raises:
        ConfigurationError: the last rotation is not over yet.
    """
    with private_files.locked(folder):
        every = records(folder)
        expired = [record for record in every if record.state(now) is KeyState.EXPIRED]
        kept = [record for record in every if record not in expired]
        for record in kept:
            if record.state(now) is KeyState.NEXT:
                raise ConfigurationError(
                    f"A rotation is under way: {record.kid} signs from {record.signs_from:%H:%M:%S} UTC. Rotate again "
                    "after that, or revoke it."
                )
        made = _make(folder, algorithm, published_at=now, signs_from=now + JWKS_MAX_AGE)
        retired = [_retire(record, now, made.signs_from, token_life) for record in kept]
        _store(folder, [*retired, made])
        # Only now: who reads the keys meanwhile still goes by the old list.
        for record in expired:
            (folder / record.file).unlink(missing_ok=True)
    return made


def revoke(folder: Path, kid: str, now: datetime) -> KeyRecord:
    """Disown a key at once: every token that it signed is refused. Gives the key that signs from now on.

    A next key takes over where there is one, else a new one is made.

    Raises:
        LookupError: there is no such key, or it is revoked already.
    """
    with private_files.locked(folder):
        every = records(folder)
        found = next(
            (record for record in every if record.kid == kid and record.revoked_at is None), None
        )
        if found is None:
            raise LookupError(kid)
        others = [record for record in every if record is not found]
        others = _succeed(folder, found, others, now)
        _store(folder, [*others, msgspec.structs.replace(found, revoked_at=now)])
        (folder / found.file).unlink(missing_ok=True)
    return load(folder).signing(now).record


def _succeed(
    folder: Path, gone: KeyRecord, others: Sequence[KeyRecord], now: datetime
) -> list[KeyRecord]:
    """The other keys, one of which signs in place of `gone`: also by a clock that lags the one of the last change."""
    kept = [
        msgspec.structs.replace(record, signs_until=None, verifies_until=None)
        if gone.state(now) is KeyState.NEXT and record.state(now) is KeyState.ACTIVE
        else record
        for record in others
    ]
    if any(record.state(now) is KeyState.ACTIVE for record in kept):
        return kept
    waiting = _by_time([record for record in kept if record.state(now) is KeyState.NEXT])
    if not waiting:
        return [*kept, _make(folder, gone.algorithm, published_at=now, signs_from=now)]
    first = msgspec.structs.replace(waiting[0], signs_from=now)
    return [first if record is waiting[0] else record for record in kept]


def _begin(folder: Path, algorithm: str) -> None:
    """Write the first `keyring.json`: over PEM files of an earlier version, else over a new key."""
    with private_files.locked(folder):
        if (folder / _MANIFEST).exists():
            return
        found = sorted(folder.glob("[0-9]*-*.pem"))
        if not found:
            _store(folder, [_make(folder, algorithm, published_at=_EVER, signs_from=_EVER)])
            return
        newest = _adopt(found[-1])
        begun = datetime.fromtimestamp(found[-1].stat().st_mtime, UTC)
        older = [_retire(_adopt(path), begun, begun, LONGEST_TOKEN) for path in found[:-1]]
        _store(folder, [*older, newest])


def _adopt(path: Path) -> KeyRecord:
    algorithm = path.stem.partition("-")[2]
    private = private_keys.read(path, algorithm)
    return KeyRecord(
        kid=private_keys.thumbprint(private),
        algorithm=algorithm,
        file=path.name,
        published_at=_EVER,
        signs_from=_EVER,
    )


def _retire(record: KeyRecord, now: datetime, moment: datetime, token_life: timedelta) -> KeyRecord:
    """The key's record with its end, if it is the one that signs now."""
    if record.state(now) is not KeyState.ACTIVE:
        return record
    # A slow clock signs until `moment` + skew, and is believed by a fast one until skew after the token's end.
    last = moment + token_life + 3 * SKEW
    return msgspec.structs.replace(record, signs_until=moment, verifies_until=last)


def _make(
    folder: Path, algorithm: str, *, published_at: datetime, signs_from: datetime
) -> KeyRecord:
    """A new key in a file of its own; it counts once `keyring.json` names it."""
    private = private_keys.generate(algorithm)
    number = max((int(path.name[:4]) for path in folder.glob("[0-9]*-*.pem")), default=0) + 1
    path = folder / f"{number:04}-{algorithm}.pem"
    private_keys.write(path, private)
    return KeyRecord(
        kid=private_keys.thumbprint(private),
        algorithm=algorithm,
        file=path.name,
        published_at=published_at,
        signs_from=signs_from,
    )


def _read(folder: Path, record: KeyRecord) -> SigningKey:
    path = folder / Path(record.file).name
    private = private_keys.read(path, record.algorithm)
    if private_keys.thumbprint(private) != record.kid:
        raise ConfigurationError(f"{path} is not the key {record.kid} of {_MANIFEST}.")
    return SigningKey(record, private)


def _store(folder: Path, every: Sequence[KeyRecord]) -> None:
    content = msgspec.json.format(msgspec.json.encode(_by_time(every)), indent=2)
    private_files.write(folder / _MANIFEST, content + b"\n")


def _by_time(every: Sequence[KeyRecord]) -> list[KeyRecord]:
    return sorted(every, key=lambda record: (record.signs_from, record.file))


def _version(manifest: Path) -> tuple[int, int, int]:
    """Changes whenever `keyring.json` is replaced."""
    try:
        found = manifest.stat()
    except FileNotFoundError as error:
        raise ConfigurationError(f"{manifest} is missing.") from error
    return found.st_ino, found.st_mtime_ns, found.st_size
