"""What builds on what, what may go, and where the log has a gap: rules without a server."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.backup import catalogue
from coinsphere.backup.catalogue import Keeping
from coinsphere.backup.model import Backup, Part, decode, encode, following
from coinsphere.errors import BackupError

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def backup(name: str, age: timedelta, parent: str | None = None, size: int = 10) -> Backup:
    return Backup(
        id=name,
        kind="incremental" if parent else "full",
        parent=parent,
        started_at=NOW - age - timedelta(minutes=1),
        finished_at=NOW - age,
        start_lsn="0/2000028",
        first_segment="000000010000000000000002",
        server_version="18.6",
        role="coinsphere_backup",
        parts=(Part(name="base.tar.gz.age", size=size, sha256="0" * 64),),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Backup]:
    """Daily backups of up to ten weeks, full or on top of the one before, of any sizes."""
    kinds = draw(st.lists(st.booleans(), max_size=70))
    made: list[Backup] = []
    for at, builds in enumerate(kinds):
        parent = made[-1].id if builds and made else None
        age = timedelta(days=len(kinds) - at)
        made.append(backup(str(at), age, parent, draw(st.integers(0, 100))))
    return made


def root(backups: list[Backup], each: Backup) -> str:
    return catalogue.chain(backups, each)[0].id


@given(histories(), st.integers(1, 20), st.integers(0, 8), st.integers(1, 3000))
def test_what_goes_takes_nothing_along_that_stays(history, days, weeks, most):
    going = catalogue.superfluous(history, Keeping(days, weeks, most), NOW)
    kept = [each for each in history if each not in going]
    for each in kept:
        assert all(link in kept for link in catalogue.chain(kept, each))
    if not history:
        return
    newest = catalogue.newest(history)
    assert newest in kept
    others = [each for each in kept if root(kept, each) != root(kept, newest)]
    # Beyond the newest chain the bound holds.
    assert not others or sum(each.size for each in kept) <= most
    reach = max(timedelta(days=days), timedelta(weeks=weeks))
    for name in {root(kept, each) for each in others}:
        ends = max(each.finished_at for each in others if root(kept, each) == name)
        assert NOW - ends <= reach
    if sum(each.size for each in history) <= most:
        young = [each for each in history if NOW - each.finished_at <= timedelta(days=days)]
        assert all(each in kept for each in young)


@given(histories())
def test_the_next_one_builds_on_the_newest_until_the_chain_is_long(history):
    kind, parent = catalogue.next_kind(history)
    if not history:
        assert (kind, parent) == ("full", None)
        return
    newest = catalogue.newest(history)
    is_long = len(catalogue.chain(history, newest)) >= catalogue.LONGEST_CHAIN
    assert (kind, parent) == (("full", None) if is_long else ("incremental", newest))


def test_a_chain_with_a_missing_link_is_refused_and_passed_over():
    old, lost = backup("old", timedelta(days=3)), backup("lost", timedelta(days=1), "gone")
    assert catalogue.newest([old, lost]) == old
    with pytest.raises(BackupError, match="gone"):
        catalogue.chain([old, lost], lost)
    with pytest.raises(BackupError, match="finished by"):
        catalogue.newest([old], NOW - timedelta(days=4))
    with pytest.raises(BackupError, match="no backup"):
        catalogue.newest([])


@given(st.integers(0, (1 << 40) - 600), st.integers(1, 600), st.data())
def test_a_missing_segment_is_named(first, count, data):
    name = f"00000001{first >> 8:08X}{first & 0xFF:08X}"
    names = [name]
    while len(names) < count:
        names.append(following(names[-1]))
    assert catalogue.gaps(name, names) == []
    if count > 2:
        lost = data.draw(st.sampled_from(names[:-1]))
        assert catalogue.gaps(name, [each for each in names if each != lost]) == [lost]
    assert catalogue.gaps(name, []) == [name]


def test_a_manifest_is_read_as_it_was_written():
    made = backup("one", timedelta(days=1))
    assert decode(encode(made)) == made
