"""The global model in the server: what it expects of all tokens, computed when a day closes or a version changes, and held.

A request computes nothing of the net: it takes what was said of its token and anchors it. A version that cannot be
loaded leaves its horizons to the next rung of the ladder, and why is kept for the answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from ml.data import panel
from ml.data.horizons import HORIZONS
from ml.data.panel import Panel
from ml.errors import ArtifactRefused, ModelError, RegistryUnavailable
from ml.registry import gate_reports, global_registry
from ml.registry.gate_reports import Verdict
from ml.registry.global_registry import Loaded, Serving
from ml.serving import global_forecasting, responses
from ml.serving.forecasting import Distribution
from ml.serving.ladder import Rung
from ml.serving.responses import Statement

_log = log.get("ml.serving.global_forecasts")

_NEWEST_CLOSE = """
    select max(f.close_at), count(*) filter (where f.price_date >= %(since)s)
    from marts.ml_features_daily f where f.is_final and not f.is_filled
"""
_RECENT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class VersionForecasts:
    """A loaded version and what it says, by token and horizon."""

    loaded: Loaded
    expected: Mapping[tuple[UUID, int], Distribution] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _State:
    """What a request is answered from; replaced as a whole.

    Attributes:
        champions: by horizon, where one stands.
        baseline: None before the first training.
        reasons: by horizon, why no champion stands there.
        price_source: of the panel.
        input_digest: of the panel.
    """

    champions: Mapping[int, VersionForecasts] = field(default_factory=dict)
    baseline: VersionForecasts | None = None
    reasons: Mapping[int, str] = field(default_factory=dict)
    price_source: str = ""
    input_digest: str = ""

    def forecasts(self) -> Iterable[VersionForecasts]:
        yield from self.champions.values()
        if self.baseline is not None:
            yield self.baseline


class GlobalForecasts:
    """What the versions that serve expect. `refresh` may run in one thread while others read."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._state = _State(reasons=_nothing_trained())
        self._loaded: dict[int, Loaded] = {}
        self._inputs: tuple[object, ...] | None = None

    def symbols(self) -> set[str]:
        """Symbols that are answered for."""
        return {
            each.symbol
            for forecasts in self._state.forecasts()
            for each in forecasts.expected.values()
        }

    def champion(self, token_id: UUID, horizon: int) -> Statement | None:
        """What the champion of the horizon says of the token; None where none stands or it cannot speak of the token."""
        return self._statement(
            Rung.GLOBAL_CHAMPION, self._state.champions.get(horizon), token_id, horizon
        )

    def baseline(self, token_id: UUID, horizon: int) -> Statement | None:
        """What the baseline says of the token."""
        return self._statement(Rung.GLOBAL_BASELINE, self._state.baseline, token_id, horizon)

    def reason(self, horizon: int) -> str:
        """Why no champion speaks at the horizon."""
        return self._state.reasons.get(horizon, "the global model cannot speak of this token")

    def refresh(self) -> None:
        """Compute everything anew if a day has closed or another version serves; where either cannot be learned, stay."""
        try:
            serving = global_registry.serving(self._settings)
            with self._database.connection() as conn:
                self._refresh(conn, serving)
        except RegistryUnavailable as error:
            _log.warning("global_model_not_loaded", reason=str(error))
        except ModelError as error:
            _log.warning("global_model_has_no_history", reason=str(error))

    def hold(self, loaded: Loaded, recent: Panel, ids: Mapping[str, UUID]) -> None:
        """Answer at every horizon from what a version says of a panel."""
        forecasts = _forecasts_of(loaded, recent, ids)
        self._state = _State(
            dict.fromkeys(HORIZONS, forecasts), None, {}, recent.price_source, recent.digest
        )

    def _statement(
        self, rung: Rung, forecasts: VersionForecasts | None, token_id: UUID, horizon: int
    ) -> Statement | None:
        expected = None if forecasts is None else forecasts.expected.get((token_id, horizon))
        if forecasts is None or expected is None:
            return None
        state, loaded = self._state, forecasts.loaded
        quality = responses.quality_of_figures(loaded, expected)
        return Statement(
            rung, loaded.info, expected, state.price_source, state.input_digest, quality
        )

    def _refresh(self, conn: Connection, serving: Serving) -> None:
        now = self._clock()
        verdict = gate_reports.newest_verdict(conn)
        if not serving.versions:  # on a new system the mart is not built either
            self._state = _State(reasons=_reasons(self._settings, serving, verdict, {}, {}))
            self._loaded, self._inputs = {}, None
            return
        newest = conn.execute(_NEWEST_CLOSE, {"since": (now - _RECENT).date()}).fetchone()
        inputs = (serving, newest, verdict, now.date())
        if inputs == self._inputs:
            return
        refused = self._load(serving)
        if not self._loaded:
            self._state = _State(reasons=_reasons(self._settings, serving, verdict, {}, refused))
            return
        recent = panel.recent(conn, now)
        standing = _standing(self._settings, serving, self._loaded, now)
        reasons = _reasons(self._settings, serving, verdict, standing, refused)
        self._state = self._computed(recent, standing, serving.baseline, reasons)
        # One that was refused is tried again at the next round.
        self._inputs = None if refused else inputs
        _log.info(
            "forecasts_computed",
            champions=standing,
            baseline=serving.baseline,
            tokens=len(self.symbols()),
            last_day=str(recent.last_day),
        )

    def _computed(
        self,
        recent: Panel,
        standing: Mapping[int, int],
        baseline: int | None,
        reasons: Mapping[int, str],
    ) -> _State:
        """What every loaded version expects after the panel's last day; `standing` says which serves at which horizon."""
        ids = dict(zip(recent.symbols, recent.token_ids, strict=True))
        forecasts = {
            number: _forecasts_of(each, recent, ids) for number, each in self._loaded.items()
        }
        champions = {horizon: forecasts[number] for horizon, number in standing.items()}
        return _State(
            champions, forecasts.get(baseline or 0), reasons, recent.price_source, recent.digest
        )

    def _load(self, serving: Serving) -> dict[int, str]:
        """Load what serves and is not loaded yet, forget the rest; why a version could not be loaded, by number."""
        numbers = {*serving.champions.values(), *filter(None, [serving.baseline])}
        loaded = {number: version for number, version in self._loaded.items() if number in numbers}
        refused = {}
        for number in numbers - set(loaded):
            try:
                loaded[number] = global_registry.load(self._settings, number)
            except (ArtifactRefused, RegistryUnavailable) as error:
                refused[number] = str(error)
                _log.error("model_refused", version=number, reason=str(error))
        self._loaded = loaded
        return refused


def _forecasts_of(loaded: Loaded, recent: Panel, ids: Mapping[str, UUID]) -> VersionForecasts:
    forecasts = global_forecasting.distributions(loaded.version, recent)
    return VersionForecasts(
        loaded, {(ids[forecast.symbol], forecast.horizon_days): forecast for forecast in forecasts}
    )


def _standing(
    settings: Settings, serving: Serving, loaded: Mapping[int, Loaded], now: datetime
) -> dict[int, int]:
    """The champions by horizon that are loaded and not too old."""
    oldest = now - timedelta(days=settings.ml_baseline_days)
    return {
        horizon: number
        for horizon, number in serving.champions.items()
        if number in loaded and loaded[number].version.facts.data_cutoff > oldest
    }


def _nothing_trained() -> dict[int, str]:
    return dict.fromkeys(HORIZONS, "no version of the global model was judged yet")


def _reasons(
    settings: Settings,
    serving: Serving,
    verdict: Verdict | None,
    standing: Mapping[int, int],
    refused: Mapping[int, str],
) -> dict[int, str]:
    """Why no champion stands, at each horizon where none does."""
    return {
        horizon: _reason(settings, serving, verdict, refused, horizon)
        for horizon in HORIZONS
        if horizon not in standing
    }


def _reason(
    settings: Settings,
    serving: Serving,
    verdict: Verdict | None,
    refused: Mapping[int, str],
    horizon: int,
) -> str:
    number = serving.champions.get(horizon)
    if number is not None and number in refused:
        return f"version {number} of the global model cannot be loaded: {refused[number]}"
    if number is not None:
        return f"the data of version {number} is older than {settings.ml_baseline_days} days"
    if horizon in serving.lost:
        alias = global_registry.champion_alias(horizon)
        return (
            f"version {serving.lost[horizon]} of the global model should serve, but its alias {alias} is gone; "
            "`coinsphere ml train-global` makes another"
        )
    if horizon in serving.returned:
        return (
            f"version {serving.returned[horizon]} did worse than the random walk and was taken back"
        )
    if verdict is None:
        return _nothing_trained()[horizon]
    return verdict.sentence(horizon)
