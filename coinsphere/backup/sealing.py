"""Encrypts what leaves the machine in the format of age (https://age-encryption.org/v1), which its own tool reads.

Data are sealed for recipients, keys for a passphrase where one is set. Without a recipient one is made for this state.
"""

from dataclasses import dataclass
from pathlib import Path

import pyrage  # type: ignore[import-untyped]  # it has no types

from coinsphere.errors import BackupError, ConfigurationError
from coinsphere.settings import Settings, variable

SUFFIX = ".age"
_WHERE = f"Name the file that holds it in {variable('backup_identity_file')}."


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals and opens files.

    Attributes:
        recipients: for whom data are sealed.
        identities: who can open them; none on a machine that only writes.
        passphrase: for keys; None seals them for the recipients.
    """

    recipients: tuple[pyrage.x25519.Recipient, ...]
    identities: tuple[pyrage.x25519.Identity, ...]
    passphrase: str | None

    def seal(self, source: Path, target: Path) -> None:
        """Write `source` sealed for the recipients."""
        pyrage.encrypt_file(str(source), str(target), list(self.recipients))

    def open(self, source: Path, target: Path) -> None:
        """Write what `source` holds.

        Raises:
            BackupError: no identity here opens it, or it was changed.
        """
        try:
            pyrage.decrypt_file(str(source), str(target), list(self.identities))
        except pyrage.DecryptError as error:
            raise BackupError(f"{source.name} cannot be opened: {error}. {_WHERE}") from error

    def seal_keys(self, keys: bytes) -> bytes:
        """Encrypt keys by the passphrase where there is one, apart from the rest."""
        if self.passphrase is not None:
            return bytes(pyrage.passphrase.encrypt(keys, self.passphrase))
        return bytes(pyrage.encrypt(keys, list(self.recipients)))

    def open_keys(self, sealed: bytes) -> bytes:
        """The keys. Raises BackupError: neither the passphrase nor an identity opens them."""
        try:
            if self.passphrase is not None:
                return bytes(pyrage.passphrase.decrypt(sealed, self.passphrase))
            return bytes(pyrage.decrypt(sealed, list(self.identities)))
        except pyrage.DecryptError as error:
            raise BackupError(
                f"The keys cannot be opened: {error}. Set {variable('backup_passphrase')}, or name the identity in "
                f"{variable('backup_identity_file')}."
            ) from error


def build(settings: Settings) -> Seals:
    """The seals of the settings; without a recipient there, the state's own identity is made and used.

    Raises:
        ConfigurationError: a recipient or an identity is none.
    """
    path = settings.backup_identity
    if not settings.backup_recipients and not path.exists():
        make_identity(path)
    try:
        identities = tuple(_identities(path)) if path.exists() else ()
        named = tuple(pyrage.x25519.Recipient.from_str(each) for each in settings.backup_recipients)
    except (pyrage.IdentityError, pyrage.RecipientError) as error:
        raise ConfigurationError(f"A recipient or identity of backups is none: {error}") from error
    passphrase = settings.backup_passphrase
    return Seals(
        named or tuple(each.to_public() for each in identities),
        identities,
        passphrase.get_secret_value() if passphrase else None,
    )


def make_identity(path: Path) -> None:
    """Make an identity, in a file that nobody else reads."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = pyrage.x25519.Identity.generate()
    path.touch(mode=0o600)
    path.write_text(f"# public key: {identity.to_public()}\n{identity}\n")


def _identities(path: Path) -> list[pyrage.x25519.Identity]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [pyrage.x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
