"""Who follows whom: a challenger that waited in the champion's shadow, or the baseline where the champion fails.

Looked at once a day, when outcomes have come in. The gates of years make a version a candidate; live forecasts may hold
it up, and they may take a champion back. They make none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.settings import Settings
from ml import live, scale_log, scale_registry
from ml.alarms import Alarm
from ml.errors import NoChampion
from ml.gates import Gate, GateReport
from ml.live import Drift, Record
from ml.models.scale_catalog import BASELINE
from ml.scale_registry import Loaded, Registered

_SHOWN_DAYS = 365


@dataclass(frozen=True, slots=True)
class Watched:
    """What was found of the champion and its challenger, and which version serves from now on.

    Attributes:
        drift: of the champion's issued forecasts.
        challenger: the version that has passed its gates and waits, or was vetoed; None where there is none.
        shadow: the gate of its live forecasts; None where it did not wait for long enough yet.
        serving: the version that serves from now on.
        staleness: what is wrong with the age of its data, or that it is the baseline.
        served: the public forecasts of a year by horizon, whichever version made them.
    """

    drift: Drift
    challenger: int | None
    shadow: Gate | None
    serving: int
    staleness: tuple[Alarm, ...]
    served: Mapping[int, Record] = field(repr=False)
    pictures: Mapping[str, bytes] = field(repr=False, default_factory=dict)


def must_wait(settings: Settings, champion: Loaded | None, now: datetime) -> bool:
    """Whether a version that passed its gates waits in the shadow: while there is a champion that is not stale."""
    if champion is None:
        return False
    return now - champion.version.facts.data_cutoff < timedelta(days=settings.ml_expiry_days)


def challenge(settings: Settings, version: int, champion: Loaded | None) -> None:
    """Let a new version forecast in the shadow, unless another that has passed its gates is waiting there."""
    before = _candidate(settings, champion)
    if before is None or before.status != scale_registry.PASSED:
        scale_registry.set_alias(settings, scale_registry.CHALLENGER, version)


def watch(conn: Connection, settings: Settings, now: datetime) -> Watched:
    """Look how issued forecasts fared, and act: return to the baseline, or promote or veto the challenger.

    Raises:
        NoChampion: none serves.
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: a version's files are not what was registered.
    """
    champion = scale_registry.load_alias(settings, scale_registry.CHAMPION)
    if champion is None:
        raise NoChampion("no version of the global model has passed its gates")
    held = live.records(conn, champion.number, now)
    candidate = _candidate(settings, champion)
    shadow = None
    if candidate is not None:
        shadow = _judge(conn, settings, candidate, held, now)
    serving = champion
    if live.must_return(held) and champion.version.facts.model != BASELINE:
        serving = _return(settings, champion)
    elif candidate is not None and _is_due(settings, candidate, shadow, champion, now):
        scale_registry.set_alias(settings, scale_registry.CHAMPION, candidate.version)
        serving = scale_registry.load(settings, candidate.version)
    return Watched(
        live.drift(champion.number, held),
        None if candidate is None else candidate.version,
        shadow,
        serving.number,
        _staleness(settings, serving, now),
        live.records(conn, None, now, days=_SHOWN_DAYS),
    )


def _candidate(settings: Settings, champion: Loaded | None) -> Registered | None:
    """The challenger, if it has passed its gates and does not serve already; one that was vetoed is shown as such."""
    found = scale_registry.by_alias(settings, scale_registry.CHALLENGER)
    if found is None or champion is None or found.version == champion.number:
        return None
    return found if found.status in (scale_registry.PASSED, scale_registry.VETOED) else None


def _judge(
    conn: Connection,
    settings: Settings,
    candidate: Registered,
    champion: Mapping[int, Record],
    now: datetime,
) -> Gate | None:
    """The gate of the shadow, kept as the report of any other gate when it falls; a veto is for ever."""
    made = live.shadow(live.records(conn, candidate.version, now), champion)
    if candidate.status == scale_registry.VETOED:
        reasons = made.reasons if made else ()
        return Gate(live.SHADOW, passed=False, reasons=reasons or ("it was vetoed before",))
    if made is None:
        return None
    report = GateReport(candidate.model, (made,))
    facts = scale_registry.load(settings, candidate.version).version.facts
    report_id = scale_log.record_report(conn, candidate.version, facts, report, now)
    if not made.passed:
        scale_registry.record_verdict(
            settings, candidate.version, scale_registry.VETOED, str(report_id)
        )
    return made


def _is_due(
    settings: Settings,
    candidate: Registered,
    shadow: Gate | None,
    champion: Loaded,
    now: datetime,
) -> bool:
    """Whether the candidate serves from now on: it was not vetoed, or there is no time to wait for that."""
    if candidate.status == scale_registry.VETOED:
        return False
    return not must_wait(settings, champion, now) if shadow is None else shadow.passed


def _return(settings: Settings, champion: Loaded) -> Loaded:
    """Let the baseline serve; the champion that failed is no candidate any more. None registered: it goes on."""
    baseline = scale_registry.load_alias(settings, scale_registry.BASELINE)
    if baseline is None:
        return champion
    scale_registry.set_status(settings, champion.number, scale_registry.VETOED)
    scale_registry.set_alias(settings, scale_registry.CHAMPION, baseline.number)
    return baseline


def _staleness(settings: Settings, serving: Loaded, now: datetime) -> tuple[Alarm, ...]:
    facts = serving.version.facts
    days = (now - facts.data_cutoff).days
    alarms = []
    if facts.model == BASELINE:
        detail = f"version {serving.number} serves, the baseline: the champion was worse than the random walk"
        alarms.append(Alarm("baseline_serves", detail))
    if days >= settings.ml_expiry_days:
        detail = f"the data of version {serving.number} is {days} days old: its forecasts are marked as stale"
        alarms.append(Alarm("stale", detail))
    if days >= settings.ml_baseline_days and facts.model != BASELINE:
        detail = f"the data of version {serving.number} is {days} days old: the baseline serves in its place"
        alarms.append(Alarm("expired", detail))
    return tuple(alarms)
