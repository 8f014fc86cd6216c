"""What a server lacks is told at once, with the words that mend it."""

from dataclasses import replace

from coinsphere.backup.privileges import Facts, lacks

_GOOD = Facts(
    role="copier",
    version=18,
    replicates=True,
    sees_sizes=True,
    wal_level="replica",
    senders=10,
    slots=10,
    is_standby=False,
    tablespaces=0,
)


def test_each_lack_is_told_with_what_mends_it() -> None:
    assert list(lacks(_GOOD, 18)) == []
    assert list(lacks(replace(_GOOD, wal_level="logical", senders=3, slots=2), 18)) == []
    for lack, said in (
        ({"version": 15}, "PostgreSQL 15"),
        ({"replicates": False}, "`alter role copier replication`"),
        ({"sees_sizes": False}, "`grant pg_read_all_stats to copier`"),
        ({"wal_level": "minimal"}, "`wal_level = replica`"),
        ({"senders": 2}, "max_wal_senders"),
        ({"slots": 1}, "max_replication_slots"),
        ({"is_standby": True}, "primary"),
        ({"tablespaces": 1}, "tablespaces"),
    ):
        (told,) = lacks(replace(_GOOD, **lack), 18)
        assert said in told
    everything = replace(_GOOD, replicates=False, senders=0, slots=0)
    assert len(list(lacks(everything, 18))) == 3
