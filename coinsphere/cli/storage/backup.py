"""`coinsphere backup`: make, list, check, restore, try out and forget backups."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coinsphere.settings import Role, Settings

if TYPE_CHECKING:
    from coinsphere.backup.model import Backup
    from coinsphere.backup.places import Place

_PLACE = click.option(
    "--place", help="A folder or `s3://bucket/prefix`; else the first that the settings name."
)


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(backup)


@click.group()
def backup() -> None:
    """Backups of the whole state: databases, files of models, keys."""


@backup.command()
@click.option("--full", is_flag=True, help="Not on top of the one before.")
def create(*, full: bool) -> None:
    """Make a base backup now, beside those that the backup daemon makes, and store it at every place."""
    import psycopg

    from coinsphere.backup import base_backups, places, sealing
    from coinsphere.clock import utc_now

    settings = Settings.from_env()
    at = places.build(settings)
    created = base_backups.create(
        settings,
        at,
        sealing.build(settings),
        clock=utc_now,
        kind="full" if full else None,
    )
    with psycopg.connect(settings.url_for(Role.WORKER), autocommit=True) as conn:
        base_backups.note(conn, created)
    names = " and ".join(each.name for each in at)
    click.echo(f"{created.id}: {created.size >> 10:,} KiB at {names}.")


@backup.command("list")
@_PLACE
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(place: str | None, *, as_json: bool) -> None:
    """List the base backups of a place, the oldest first, and until when it can be restored."""
    from rich.table import Table

    from coinsphere.backup import base_backups, wal
    from coinsphere.backup.model import encode
    from coinsphere.cli.console import console as new_console

    chosen = _place(place, Settings.from_env())
    backups = base_backups.stored(chosen)
    if as_json:
        click.echo(json.dumps([json.loads(encode(stored)) for stored in backups], indent=2))
        return
    table = Table("backup", "builds on", "finished", "KiB", title=chosen.name, title_justify="left")
    for stored in backups:
        finished = f"{stored.finished_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(stored.id, stored.parent or "-", finished, f"{stored.size >> 10:,}")
    console = new_console()
    console.print(table)
    segments = sorted(wal.segments(chosen), key=lambda segment: segment[1])
    if segments:
        size = sum(size for _, _, size in segments) >> 10
        console.print(
            f"{len(segments)} segments of log, {size:,} KiB, the newest {segments[-1][1]}.",
            highlight=False,
        )


@backup.command()
@click.argument("backup_id", required=False)
@_PLACE
def verify(backup_id: str | None, place: str | None) -> None:
    """Read a whole backup, the newest by default: digests, seals, PostgreSQL's manifest, and that the log has no gap."""
    from coinsphere.backup import base_backups, sealing

    settings = Settings.from_env()
    chosen = _place(place, settings)
    chosen_backup = _backup(chosen, backup_id)
    base_backups.verify(chosen, sealing.build(settings), chosen_backup)
    click.echo(f"{chosen_backup.id} at {chosen.name} is good, and so is the log behind it.")


@backup.command()
@click.option(
    "--to",
    "until",
    default="latest",
    show_default=True,
    metavar="TIME|latest",
    help="An instant such as 2026-11-24T08:15:30Z.",
)
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder that is empty or not there.",
)
@_PLACE
def restore(until: str, into: Path, place: str | None) -> None:
    """Restore the whole state as it was at a second; `COINSPHERE_HOME=INTO coinsphere up` goes on from there."""
    from coinsphere.backup import restoring, sealing

    settings = Settings.from_env()
    done = restoring.restore(
        _place(place, settings),
        sealing.build(settings),
        _instant(until),
        into.resolve(),
        click.echo,
    )
    click.echo(
        f"{done.backup_id}, {done.segments} segments of log and {done.files} files of models restored in "
        f"{done.seconds:.1f} s. Go on with: COINSPHERE_HOME={into} coinsphere up"
    )


@backup.command()
@_PLACE
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def drill(place: str | None, *, as_json: bool) -> None:
    """Restore the newest backup beside the running system and look at it. Exits with 1 where something is wrong."""
    from dataclasses import asdict

    from coinsphere.backup import drill as drills
    from coinsphere.backup import sealing
    from coinsphere.clock import utc_now

    settings = Settings.from_env()
    report = drills.run(settings, _place(place, settings), sealing.build(settings), utc_now)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2, default=str))
    else:
        lost = "unknown" if report.rpo_seconds is None else f"{report.rpo_seconds:.1f} s"
        click.echo(
            f"{report.backup_id}: lost {lost}, back after {report.rto_seconds:.1f} s, {report.rows:,} rows."
        )
        for name, problem in report.problems.items():
            click.echo(f"{name}: {problem}", err=True)
    if not report.is_good:
        raise click.exceptions.Exit(1)


@backup.command()
def prune() -> None:
    """Forget at every place what the settings do not keep, as the backup daemon does after each base backup."""
    from coinsphere.backup import base_backups, places, sealing
    from coinsphere.clock import utc_now

    settings = Settings.from_env()
    for place in places.build(settings):
        removed = base_backups.prune(place, sealing.build(settings), settings, utc_now())
        click.echo(f"{place.name}: {len(removed)} files removed.")


@backup.command()
def identity() -> None:
    """Print where the identity lies that opens backups, and whom they are sealed for. Keep a copy of it elsewhere."""
    from coinsphere.backup import sealing

    settings = Settings.from_env()
    for recipient in sealing.build(settings).recipients:
        click.echo(f"Sealed for {recipient}")
    click.echo(
        f"The identity lies in {settings.backup_identity}: without it no backup can be read."
    )


def _place(name: str | None, settings: Settings) -> "Place":
    from coinsphere.backup import places

    return places.build(settings)[0] if name is None else places.at(name, settings)


def _backup(place: "Place", backup_id: str | None) -> "Backup":
    from coinsphere.backup import base_backups, catalogue

    backups = base_backups.stored(place)
    if backup_id is None:
        return catalogue.newest(backups)
    for stored in backups:
        if stored.id == backup_id:
            return stored
    raise click.ClickException(f"There is no backup {backup_id}: see `coinsphere backup list`.")


def _instant(text: str) -> datetime | None:
    if text == "latest":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.ClickException(
            f"{text!r} is no instant: write `latest` or one such as 2026-11-24T08:15:30Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
