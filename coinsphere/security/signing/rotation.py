"""Creates, rotates and revokes the signing keys of a folder."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from coinsphere.errors import ConfigurationError
from coinsphere.security import private_files, private_keys
from coinsphere.security.signing import keyrings
from coinsphere.security.signing.key_folder import MANIFEST, by_time, make, records, store
from coinsphere.security.signing.keys import JWKS_MAX_AGE, LONGEST_TOKEN, SKEW, KeyRecord, KeyState

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def begin(folder: Path, algorithm: str) -> None:
    """Write the first `keyring.json`: over PEM files of an earlier version, else over a new key."""
    with private_files.locked(folder):
        if (folder / MANIFEST).exists():
            return
        paths = sorted(folder.glob("[0-9]*-*.pem"))
        if not paths:
            store(folder, [make(folder, algorithm, published_at=_EVER, signs_from=_EVER)])
            return
        newest = _adopt(paths[-1])
        begun = datetime.fromtimestamp(paths[-1].stat().st_mtime, UTC)
        older = [_retire(_adopt(path), begun, begun, LONGEST_TOKEN) for path in paths[:-1]]
        store(folder, [*older, newest])


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
        successor = make(folder, algorithm, published_at=now, signs_from=now + JWKS_MAX_AGE)
        retired = [_retire(record, now, successor.signs_from, token_life) for record in kept]
        store(folder, [*retired, successor])
        # Only now: who reads the keys meanwhile still goes by the old list.
        for record in expired:
            (folder / record.file).unlink(missing_ok=True)
    return successor


def revoke(folder: Path, kid: str, now: datetime) -> KeyRecord:
    """Revoke a key at once: every token that it signed is refused. Returns the key that signs from now on.

    A next key takes over where there is one, else a new one is made.

    Raises:
        LookupError: there is no such key, or it is revoked already.
    """
    with private_files.locked(folder):
        every = records(folder)
        revoked = next(
            (record for record in every if record.kid == kid and record.revoked_at is None), None
        )
        if revoked is None:
            raise LookupError(kid)
        others = [record for record in every if record is not revoked]
        others = _succeed(folder, revoked, others, now)
        store(folder, [*others, msgspec.structs.replace(revoked, revoked_at=now)])
        (folder / revoked.file).unlink(missing_ok=True)
    return keyrings.load(folder).signing(now).record


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
    waiting = by_time([record for record in kept if record.state(now) is KeyState.NEXT])
    if not waiting:
        return [*kept, make(folder, gone.algorithm, published_at=now, signs_from=now)]
    first = msgspec.structs.replace(waiting[0], signs_from=now)
    return [first if record is waiting[0] else record for record in kept]


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
