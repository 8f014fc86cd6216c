"""`coinsphere keys`: what keys there are, and their rotation while everything runs."""

import json
import os
import pwd
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from psycopg import Connection

    from coinsphere.audit.events import Event
    from coinsphere.audit.masking import Detail
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Settings


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(keys)


@click.group()
def keys() -> None:
    """Keys that sign tokens, encrypt secrets and seal the audit log."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(*, as_json: bool) -> None:
    """List every key, its state and its times; never the key itself."""
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.settings import Settings

    rows = _rows(Settings.from_env())
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("use", "id", "algorithm", "state", "signs from", "until", "verifies until")
    for row in rows:
        names = ("use", "kid", "algorithm", "state", "signsFrom", "signsUntil", "verifiesUntil")
        table.add_row(*(row[name] or "" for name in names))
    new_console().print(table)


@keys.command()
@click.option("--signing", "use", flag_value="signing", default=True, help="Access tokens.")
@click.option("--encryption", "use", flag_value="encryption", help="Secrets in the database.")
@click.option("--audit", "use", flag_value="audit", help="The audit log's seals.")
@click.option("--algorithm", help="Of a signing key; else COINSPHERE_JWT_ALGORITHM.")
def rotate(use: str, algorithm: str | None) -> None:
    """Make a new key that takes over from the present one, without a refused request.

    A rotation of the encryption key that was interrupted goes on where it stopped.
    """
    from coinsphere.settings import Settings

    settings = Settings.from_env()
    if use == "signing":
        _rotate_signing(settings, algorithm or settings.jwt_algorithm)
    elif use == "encryption":
        _rotate_encryption(settings)
    else:
        _rotate_audit(settings)


# A thumbprint may begin with a dash, and then no letter in it is an option.
@keys.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("kid")
def revoke(kid: str) -> None:
    """Disown the key KID at once.

    Every token signed by it is refused from now on. An encryption key is destroyed, once no value needs it.
    """
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Settings

    settings = Settings.from_env()
    wrapping = SymmetricKeys(settings.encryption_keys)
    if kid in {key.kid for key in wrapping.all()}:
        _remove_encryption(settings, wrapping, kid)
    else:
        _revoke_signing(settings, kid)


def _rows(settings: "Settings") -> list[dict[str, str | None]]:
    from coinsphere.clock import iso, utc_now
    from coinsphere.security.signing import file_keyring, key_folder
    from coinsphere.security.symmetric_keys import SymmetricKeys

    now = utc_now()
    file_keyring.FileKeyring(settings.keys_dir, settings.jwt_algorithm)
    signing: list[dict[str, str | None]] = [
        {
            "use": "signing",
            "kid": record.kid,
            "algorithm": record.algorithm,
            "state": record.state(now).value,
            "signsFrom": iso(record.signs_from),
            "signsUntil": iso(record.signs_until) if record.signs_until else None,
            "verifiesUntil": iso(record.verifies_until) if record.verifies_until else None,
        }
        for record in key_folder.records(settings.keys_dir)
    ]
    return [
        *signing,
        *_symmetric("encryption", "AES-256", SymmetricKeys(settings.encryption_keys)),
        *_symmetric("audit", "HMAC-SHA256", SymmetricKeys(settings.audit_keys)),
    ]


def _symmetric(use: str, algorithm: str, keys: "SymmetricKeys") -> list[dict[str, str | None]]:
    return [
        {
            "use": use,
            "kid": key.kid,
            "algorithm": algorithm,
            "state": "active" if key == keys.active else "old",
            "signsFrom": None,
            "signsUntil": None,
            "verifiesUntil": None,
        }
        for key in keys.all()
    ]


def _rotate_signing(settings: "Settings", algorithm: str) -> None:
    from datetime import timedelta

    from coinsphere.audit.events import Event
    from coinsphere.clock import utc_now
    from coinsphere.security.signing import file_keyring, rotation

    file_keyring.FileKeyring(settings.keys_dir, settings.jwt_algorithm)
    life = timedelta(seconds=settings.access_token_seconds)
    key = rotation.rotate(settings.keys_dir, utc_now(), algorithm, life)
    _tell(settings, Event.SIGNING_KEY_ROTATED, {"kid": key.kid, "algorithm": algorithm})
    click.echo(
        f"{key.kid} ({algorithm}) is published, and signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC. Nothing else "
        "needs doing."
    )


def _rotate_encryption(settings: "Settings") -> None:
    from coinsphere.audit.events import Event
    from coinsphere.security import sealed_columns
    from coinsphere.security.symmetric_keys import SymmetricKeys

    wrapping = SymmetricKeys(settings.encryption_keys)
    with _connection(settings) as conn:
        left = sealed_columns.stale(conn, wrapping.active.kid)
        if left:
            click.echo(f"The last rotation was interrupted: {left} values are left.")
        else:
            _tell(settings, Event.ENCRYPTION_KEY_ROTATED, {"kid": wrapping.add().kid})
        moved = sum(sealed_columns.rewrap(conn, wrapping))
    click.echo(f"{wrapping.active.kid} wraps every value; {moved} were moved. Old keys are kept.")


def _rotate_audit(settings: "Settings") -> None:
    from coinsphere.audit.events import Event
    from coinsphere.security.symmetric_keys import SymmetricKeys

    key = SymmetricKeys(settings.audit_keys).add()
    _tell(settings, Event.AUDIT_KEY_ROTATED, {"kid": key.kid})
    click.echo(f"{key.kid} seals new entries. Keep the old keys: they verify the old entries.")


def _revoke_signing(settings: "Settings", kid: str) -> None:
    from coinsphere.audit.events import Event
    from coinsphere.clock import utc_now
    from coinsphere.security.signing import rotation

    try:
        successor = rotation.revoke(settings.keys_dir, kid, utc_now())
    except LookupError as error:
        raise click.ClickException(
            f"There is no key {kid} to revoke; `coinsphere keys list` shows what there is."
        ) from error
    _tell(settings, Event.SIGNING_KEY_REVOKED, {"kid": kid, "successor": successor.kid})
    click.echo(f"{kid} is revoked: its tokens are refused. {successor.kid} signs now.")


def _remove_encryption(settings: "Settings", wrapping: "SymmetricKeys", kid: str) -> None:
    from coinsphere.audit.events import Event
    from coinsphere.security import sealed_columns

    with _connection(settings) as conn:
        needed = sealed_columns.in_use(conn, kid)
    if needed:
        raise click.ClickException(
            f"{needed} values need {kid}: run `coinsphere keys rotate --encryption` first."
        )
    wrapping.remove(kid)
    _tell(settings, Event.ENCRYPTION_KEY_REMOVED, {"kid": kid})
    click.echo(f"{kid} is destroyed; no value needed it.")


def _connection(settings: "Settings") -> "Connection":
    import psycopg

    from coinsphere.settings import Role

    return psycopg.connect(settings.url_for(Role.OWNER), autocommit=True, connect_timeout=5)


def _tell(settings: "Settings", event: "Event", details: "dict[str, Detail]") -> None:
    """Put the act into the audit log; where the database is away it has been done all the same."""
    import psycopg

    from coinsphere.audit import chain
    from coinsphere.clock import utc_now
    from coinsphere.errors import ConfigurationError
    from coinsphere.security.symmetric_keys import SymmetricKeys

    # Not from the environment, which anybody may set.
    operator = pwd.getpwuid(os.getuid()).pw_name
    try:
        with _connection(settings) as conn, conn.transaction():
            seals = SymmetricKeys(settings.audit_keys)
            chain.append(conn, seals, event, utc_now(), details={"operator": operator, **details})
    except (psycopg.Error, ConfigurationError) as error:
        click.echo(f"Not in the audit log, the database is away: {event} ({error})", err=True)
