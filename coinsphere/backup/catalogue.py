"""Decides which backups belong together, which one an instant needs, what is made next, and what may be deleted. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coinsphere.backup.model import SEGMENT, Backup, Kind, following
from coinsphere.errors import BackupError

LONGEST_CHAIN = 7
"""A full backup each week: an older base costs time at a restore, and one bad file spoils all that build on it."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The rule of retention: everything for `days`, then one chain a week for `weeks`, and never more than `most` bytes."""

    days: int
    weeks: int
    most: int


def chain(backups: Iterable[Backup], backup: Backup) -> list[Backup]:
    """The full backup that `backup` builds on, the incremental ones behind it, and itself.

    Raises:
        BackupError: one of them is missing.
    """
    known = {each.id: each for each in backups}
    links = [backup]
    while links[0].parent is not None:
        parent = known.get(links[0].parent)
        if parent is None:
            raise BackupError(f"{backup.id} builds on {links[0].parent}, which is not there.")
        links.insert(0, parent)
    return links


def newest(backups: Iterable[Backup], until: datetime | None = None) -> Backup:
    """The newest backup that was finished by `until` and whose whole chain is stored.

    Raises:
        BackupError: there is none.
    """
    every = sorted(backups, key=lambda each: each.finished_at, reverse=True)
    for backup in every:
        if (until is None or backup.finished_at <= until) and _is_whole(every, backup):
            return backup
    when = f" that was finished by {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
    raise BackupError(f"There is no backup{when}: see `coinsphere backup list`.")


def next_kind(backups: Sequence[Backup]) -> tuple[Kind, Backup | None]:
    """The kind of the next backup, full or incremental, and the backup that it builds on."""
    try:
        parent = newest(backups)
    except BackupError:
        return "full", None
    if len(chain(backups, parent)) >= LONGEST_CHAIN:
        return "full", None
    return "incremental", parent


def superfluous(backups: Sequence[Backup], keeping: Keeping, now: datetime) -> list[Backup]:
    """Backups that may be deleted, oldest first: whole chains only, and never the newest one.

    A chain is as old as its newest backup.
    """
    chains = sorted(_chains(backups), key=lambda each: each[-1].finished_at)
    kept: list[list[Backup]] = []
    weeks: set[tuple[int, int]] = set()
    size = 0
    for each in reversed(chains):
        age = now - each[-1].finished_at
        week = each[-1].finished_at.isocalendar()[:2]
        is_young = age <= timedelta(days=keeping.days)
        is_of_week = age <= timedelta(weeks=keeping.weeks) and week not in weeks
        size += sum(backup.size for backup in each)
        if not kept or ((is_young or is_of_week) and size <= keeping.most):
            kept.append(each)
            weeks.add(week)
        else:
            # What is larger than the bound is too large with all that is older, too.
            size -= sum(backup.size for backup in each)
    going = {backup.id for each in chains if each not in kept for backup in each}
    return sorted(
        (backup for backup in backups if backup.id in going), key=lambda each: each.finished_at
    )


def gaps(first: str, names: Iterable[str]) -> list[str]:
    """The segments missing between `first` and the newest of `names`, which begin on the time line of `first`."""
    there = {name for name in names if SEGMENT.fullmatch(name) and name[:8] == first[:8]}
    last = max(there, default="")
    missing, segment = [], first
    while segment <= last:
        if segment not in there:
            missing.append(segment)
        segment = following(segment)
    return missing if last >= first else [first]


def _is_whole(backups: Sequence[Backup], backup: Backup) -> bool:
    try:
        chain(backups, backup)
    except BackupError:
        return False
    return True


def _chains(backups: Sequence[Backup]) -> list[list[Backup]]:
    """All that build on the same full backup, in their order; what lost its base is a chain of its own."""
    by_id = {backup.id: backup for backup in backups}
    chains: dict[str, list[Backup]] = {}
    for backup in sorted(backups, key=lambda backup: backup.finished_at):
        root = backup
        while root.parent is not None and root.parent in by_id:
            root = by_id[root.parent]
        chains.setdefault(root.id, []).append(backup)
    return list(chains.values())
