"""The global model in the server: outlooks of all tokens, computed when a day closes or a version changes, and held.

A request computes nothing of the net. It anchors the outlook of its token on the newest good quote, and narrows it by
the share of the horizon that has passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from ml import answers, panel, scale_forecasting, scale_pipeline, scale_registry
from ml.errors import ArtifactRefused, ModelError, RegistryUnavailable
from ml.scale_forecasting import Outlook
from ml.scale_registry import Loaded

_log = log.get("ml.scale_service")

_NEWEST_CLOSE = """
    select max(f.close_at), count(*) filter (where f.price_date >= %(since)s)
    from marts.ml_features_daily f where f.is_final and not f.is_filled
"""
_CLOSE = """
    select close from marts.ml_features_daily
    where token_id = %(token_id)s and close_at = %(close_at)s and is_final and not is_filled
"""
_QUOTE = """
    select price, observed_at from market.quotes
    where token_id = %(token_id)s and quality = 'ok' and observed_at > %(since)s
    order by observed_at desc
    limit 1
"""
_RECENT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The price that a forecast starts from, and when it was seen."""

    price: Decimal
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class _Held:
    """What a request is answered from; replaced as a whole."""

    loaded: Loaded | None = None
    price_source: str = ""
    input_digest: str = ""
    symbols: tuple[str, ...] = ()
    outlooks: Mapping[tuple[UUID, int], Outlook] = field(
        default_factory=lambda: MappingProxyType({})
    )


class GlobalForecasts:
    """Outlooks of the version that serves. `refresh` may run in one thread while others read."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._held = _Held()
        self._seen: tuple[object, ...] | None = None

    def symbols(self) -> tuple[str, ...]:
        """Symbols that are answered for."""
        return self._held.symbols

    def refresh(self) -> None:
        """Compute all outlooks anew if a day has closed or another version serves; where either cannot be learned, stay."""
        try:
            champion = scale_registry.by_alias(self._settings, scale_registry.CHAMPION)
            if champion is None:
                self._held, self._seen = _Held(), None
                return
            with self._database.connection() as conn:
                self._refresh(conn, champion.version)
        except (RegistryUnavailable, ArtifactRefused) as error:
            _log.warning("global_model_not_loaded", reason=str(error))
        except ModelError as error:
            _log.warning("global_model_has_no_history", reason=str(error))

    def hold(self, loaded: Loaded, held: panel.Panel, ids: Mapping[str, UUID]) -> None:
        """Answer from what a version says of a panel."""
        made = scale_forecasting.outlooks(loaded.version, held)
        self._held = _Held(
            loaded,
            held.price_source,
            held.digest,
            tuple(sorted({each.symbol for each in made})),
            MappingProxyType({(ids[each.symbol], each.horizon_days): each for each in made}),
        )

    def answer(
        self, conn: Connection, token_id: UUID, symbol: str, horizon: int, now: datetime
    ) -> dict[str, Any] | None:
        """The answer for a token and horizon; None where the version cannot speak of the token."""
        held = self._held
        outlook = held.outlooks.get((token_id, horizon))
        if outlook is None or held.loaded is None:
            return None
        anchor = self._anchor(conn, token_id, outlook, now)
        # A price of the close itself knows nothing of the time since: the whole horizon is ahead of it.
        share = scale_forecasting.share_left(outlook.origin_at, horizon, anchor.observed_at)
        expires_at = answers.expiry(
            outlook, held.loaded.version.facts.data_cutoff, self._settings.ml_expiry_days
        )
        return {
            "symbol": symbol,
            "daysAhead": horizon,
            "algorithm": held.loaded.version.facts.model,
            "referencePrice": anchor.price,
            "originAt": outlook.origin_at,
            "anchoredAt": anchor.observed_at,
            "issuedAt": now,
            "targetAt": outlook.origin_at + timedelta(days=horizon),
            "quantiles": outlook.quantiles(anchor.price, share),
            "factors": list(outlook.factors),
            "model": _model(held.loaded, held.input_digest),
            "quality": _quality(held.loaded, outlook),
            "expiresAt": expires_at,
            "stale": now >= expires_at,
            "priceSource": held.price_source,
        }

    def _refresh(self, conn: Connection, champion: int) -> None:
        now = self._clock()
        newest = conn.execute(_NEWEST_CLOSE, {"since": (now - _RECENT).date()}).fetchone()
        seen = (champion, newest, now.date())
        if seen == self._seen:
            return
        loaded = scale_pipeline.who_serves(self._settings, now)
        if loaded is None:
            return
        held = scale_pipeline.serving_panel(conn, now)
        self.hold(loaded, held, dict(zip(held.symbols, held.token_ids, strict=True)))
        self._seen = seen
        _log.info(
            "outlooks_computed",
            version=loaded.number,
            tokens=len(self._held.symbols),
            last_day=str(panel.as_date(held.days[-1])),
        )

    def _anchor(self, conn: Connection, token_id: UUID, outlook: Outlook, now: datetime) -> Anchor:
        """The newest good quote that was seen since the close; the close itself where there is none."""
        since = max(outlook.origin_at, now - timedelta(seconds=self._settings.market_stale_seconds))
        row = conn.execute(_QUOTE, {"token_id": token_id, "since": since}).fetchone()
        if row is None:
            row = conn.execute(
                _CLOSE, {"token_id": token_id, "close_at": outlook.origin_at}
            ).fetchone()
            if row is None:
                raise ModelError(f"the close of {outlook.symbol} at {outlook.origin_at} is gone")
            return Anchor(row[0], outlook.origin_at)
        return Anchor(row[0], row[1])


def _model(loaded: Loaded, input_digest: str) -> dict[str, Any]:
    facts = loaded.version.facts
    return {
        "name": scale_registry.NAME,
        "version": loaded.number,
        "runId": facts.run_id,
        "trainedAt": facts.trained_at,
        "dataCutoff": facts.data_cutoff,
        "codeVersion": facts.code_version,
        "dataDigest": facts.data_digest,
        "inputDigest": input_digest,
        "dagsterRunId": facts.dagster_run_id,
    }


def _quality(loaded: Loaded, outlook: Outlook) -> dict[str, Any]:
    figures = loaded.version.quality(outlook.horizon_days)
    return {
        "coverage80": answers.fraction(figures.coverage80),
        "coverage95": answers.fraction(figures.coverage95),
        "skillVsNaive": answers.fraction(figures.skill),
        "evaluatedOn": loaded.version.evaluated_on,
        "inDistribution": outlook.in_distribution,
        "beatsNaive": figures.skill > 0,
    }
