"""Promotion and return at each horizon: a challenger takes over after its time in the shadow, or the next rung of the ladder does.

Looked at once a day, when outcomes have come in. The gates of years make a version a candidate; live forecasts may hold
it up, and they may take a champion back. They make none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from coinsphere import log
from coinsphere.settings import Settings
from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused, NoChampion
from ml.evaluation.gate_report import Gate, GateReport, Reason
from ml.monitoring import accuracy, held_out_forecasts
from ml.monitoring.accuracy import Drift, Record
from ml.monitoring.alarms import Alarm
from ml.registry import gate_reports, global_registry, validation
from ml.registry.global_registry import Loaded, Serving
from ml.registry.global_training import Judged
from ml.registry.validation import Registered

_log = log.get("ml.monitoring.promotion")

_SHOWN_DAYS = 365


@dataclass(frozen=True, slots=True)
class Watched:
    """What was found of the versions that serve and of their challenger, and who serves from now on.

    Attributes:
        drift: of the issued forecasts of the versions that served.
        challenger: the version that has passed gates and waits, or was vetoed; None where there is none.
        shadow: the gate of its live forecasts; None where it did not wait for long enough yet.
        serving: who serves from now on.
        staleness: what is wrong with the age of its data, with who serves, or with the challenger.
        served: the public forecasts of a year by horizon, whichever version made them.
    """

    drift: Drift
    challenger: int | None
    shadow: Gate | None
    serving: Serving
    staleness: tuple[Alarm, ...]
    served: Mapping[int, Record] = field(repr=False)
    pictures: Mapping[str, bytes] = field(repr=False, default_factory=dict)

    @property
    def newest(self) -> int:
        """The newest version that serves at a horizon."""
        return max(self.serving.versions, default=0)


def must_wait(settings: Settings, champion: Loaded | None, now: datetime) -> bool:
    """Whether a version that passed its gates waits in the shadow: while there is a champion that is not stale."""
    if champion is None:
        return False
    return now - champion.version.facts.data_cutoff < timedelta(days=settings.ml_expiry_days)


def admit(
    conn: Connection,
    settings: Settings,
    judged: Judged,
    champions: Mapping[int, Loaded],
    now: datetime,
) -> tuple[UUID, tuple[int, ...]]:
    """Keep the verdict on a version, and let it serve at once where it passed and need not wait; else it is the challenger.

    Args:
        conn: where the report is kept.
        settings: of the registry.
        judged: the version.
        champions: that serve, by horizon.
        now: decides which of these are stale.

    Returns:
        The id of the gate report, and the horizons at which the version serves from now on.
    """
    report_id = gate_reports.record(conn, judged.version, judged.facts, judged.report, now)
    passed = judged.report.horizons
    validation.record_verdict(settings, judged.version, passed, str(report_id))
    serves = tuple(at for at in passed if not must_wait(settings, champions.get(at), now))
    for horizon in serves:
        global_registry.let_serve(settings, horizon, judged.version)
    challenge(settings, judged.version, global_registry.serving(settings))
    held_out_forecasts.forget_all_but(conn, global_registry.serving(settings))
    return report_id, serves


def challenge(settings: Settings, version: int, serving: Serving) -> None:
    """Let a new version forecast in the shadow, unless another that has passed its gates is waiting there."""
    before, _ = _candidate(settings, serving)
    if before is None or before.status != validation.PASSED:
        global_registry.set_alias(settings, global_registry.CHALLENGER, version)


def watch(conn: Connection, settings: Settings, now: datetime) -> Watched:
    """Look how issued forecasts fared, and act by horizon: take a champion back, or promote or veto the challenger.

    Raises:
        NoChampion: no version is registered.
        RegistryUnavailable: MLflow does not answer.
    """
    serving = global_registry.serving(settings)
    if not serving.versions:
        raise NoChampion("no version of the global model is registered")
    records = _records(conn, serving, now)
    candidate, damage = _candidate(settings, serving)
    shadow = None if candidate is None else _judge(conn, settings, candidate, records, now)
    loaded = _loaded(settings, serving)
    for horizon in HORIZONS:
        champion = serving.champions.get(horizon)
        record = records.get(horizon)
        if champion and record and accuracy.must_return(horizon, record):
            _take_back(settings, horizon, champion)
        elif candidate is not None and horizon in candidate.horizons:
            waits = shadow is None and must_wait(settings, loaded.get(champion or 0), now)
            refused = shadow is not None and any(each.concerns(horizon) for each in shadow.reasons)
            if not waits and not refused:
                global_registry.let_serve(settings, horizon, candidate.version)
    after = global_registry.serving(settings)
    return Watched(
        accuracy.drift(records),
        None if candidate is None else candidate.version,
        shadow,
        after,
        damage + _staleness(settings, after, _loaded(settings, after), now),
        accuracy.records(conn, None, now, days=_SHOWN_DAYS),
    )


def _take_back(settings: Settings, horizon: int, champion: int) -> None:
    global_registry.take_back(settings, horizon, champion)
    # Else it would wait its thirty days as the challenger that it was, and return.
    validation.veto(settings, champion, [horizon])


def _records(conn: Connection, serving: Serving, now: datetime) -> dict[int, Record]:
    """What is known of the version that serves at each horizon."""
    of_version = {version: accuracy.records(conn, version, now) for version in serving.versions}
    return {
        horizon: of_version[version][horizon]
        for horizon in HORIZONS
        if (version := serving.version(horizon)) is not None and horizon in of_version[version]
    }


def _loaded(settings: Settings, serving: Serving) -> dict[int, Loaded]:
    loaded = global_registry.load_all(settings, serving.versions)
    return {version.number: version for version in loaded}


def _candidate(settings: Settings, serving: Serving) -> tuple[Registered | None, tuple[Alarm, ...]]:
    """The challenger, if it passed at a horizon at which it does not serve yet; a vetoed one is shown as such.

    One whose tags make no sense, or whose files are not what was registered, passed nothing: it waits for nothing, the
    next version takes its place, and an alarm says so.
    """
    if serving.challenger is None:
        return None, ()
    try:
        challenger = validation.registered(settings, serving.challenger)
        waiting = tuple(
            horizon
            for horizon in challenger.horizons
            if serving.champions.get(horizon) != challenger.version
        )
        if challenger.status != validation.VETOED and not waiting:
            return None, ()
        global_registry.load(settings, challenger.version)
    except ArtifactRefused as error:
        _log.error("model_unreadable", version=serving.challenger, reason=str(error))
        what = f"the challenger, version {serving.challenger}, cannot be read and waits for nothing"
        return None, (Alarm(f"challenger_refused_{serving.challenger}", f"{what}: {error}"),)
    return replace(challenger, horizons=waiting), ()


def _judge(
    conn: Connection,
    settings: Settings,
    candidate: Registered,
    champions: Mapping[int, Record],
    now: datetime,
) -> Gate | None:
    """The gate of the shadow, kept as the report of any other gate when it falls; a veto is for ever."""
    shadow = accuracy.shadow(accuracy.records(conn, candidate.version, now), champions)
    if candidate.status == validation.VETOED:
        reasons = shadow.reasons if shadow else ()
        return Gate(accuracy.SHADOW, reasons or (Reason("it was vetoed before"),))
    if shadow is None:
        return None
    report = GateReport(candidate.model, (shadow,))
    facts = global_registry.load(settings, candidate.version).version.facts
    gate_reports.record(conn, candidate.version, facts, report, now)
    vetoed = [each for each in candidate.horizons if each not in report.horizons]
    if vetoed:
        validation.veto(settings, candidate.version, vetoed)
    return shadow


def _staleness(
    settings: Settings, serving: Serving, loaded: Mapping[int, Loaded], now: datetime
) -> tuple[Alarm, ...]:
    refused = [
        Alarm(f"refused_{version}", f"the files of version {version} are not what was registered")
        for version in serving.versions
        if version not in loaded
    ]
    alarms = [*_without_champion(serving), *refused, *_aged(settings, serving, loaded, now)]
    return tuple({alarm.name: alarm for alarm in alarms}.values())


def _without_champion(serving: Serving) -> list[Alarm]:
    returned = "did worse than the random walk: the next rung serves"
    lost = "should serve, but its alias is gone: train the global model"
    return [
        Alarm(f"{name}_{horizon}d", f"{horizon} d: version {version} {detail}")
        for name, versions, detail in (
            ("baseline_serves", serving.returned, returned),
            ("champion_lost", serving.lost, lost),
        )
        for horizon, version in versions.items()
    ]


def _aged(
    settings: Settings, serving: Serving, loaded: Mapping[int, Loaded], now: datetime
) -> Iterator[Alarm]:
    for version, champion in loaded.items():
        days = (now - champion.version.facts.data_cutoff).days
        age = f"the data of version {version} is {days} days old"
        if days >= settings.ml_expiry_days:
            yield Alarm("stale", f"{age}: its forecasts are marked as stale")
        if days >= settings.ml_baseline_days and version != serving.baseline:
            yield Alarm("expired", f"{age}: the baseline serves in its place")
