"""The model server: models in memory, a forecast anchored when it is asked for. `python -m ml.serving.server` runs it.

No torch and no pickle: models are JSON and ONNX whose digests were compared before they were read. A new version is
loaded beside the old one by a thread and replaces it at once, so no request waits for it or fails. Whose forecast is
given is decided by `ml.serving.ladder`, for each token and horizon alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import psycopg
from prometheus_client import REGISTRY
from psycopg import Connection
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coinsphere import garbage, log
from coinsphere.clock import Clock, utc_now
from coinsphere.db.pool import Database
from coinsphere.market.model import Token
from coinsphere.market.reference import tokens
from coinsphere.observability import asgi_server, exposition, faults, traces
from coinsphere.observability.pools import PoolFigures
from coinsphere.settings import Settings
from ml.data import history
from ml.data.history import History
from ml.data.horizons import CONTEXT, HORIZONS
from ml.errors import ModelError
from ml.registry.token_registry import Champion
from ml.serving import anchors, ladder, responses, token_forecasting
from ml.serving.champions import Champions, Refresher
from ml.serving.figures import FORECASTS, ModelFigures
from ml.serving.global_forecasts import GlobalForecasts
from ml.serving.ladder import Rung
from ml.serving.responses import Statement

_STATEMENT_TIMEOUT_MS = 2_000
_CACHED: Final = 1_000
_LOADED_SECONDS: Final = 20.0
"""No connection is taken before models are loaded, as whoever asks would be told that there are none; nor is a registry that is
away waited for any longer."""

_log = log.get("ml.serving.server")

_REAL_DAYS = """
    select count(*) from marts.ml_features_daily
    where token_id = %(token_id)s and is_final and not is_filled
"""


class Forecasts:
    """What tokens' own champions say, computed once for each version and history."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int, str, datetime], list[Statement]] = {}

    def of(self, champion: Champion, newest: History) -> list[Statement]:
        """What it says of all horizons."""
        key = (champion.model_name, champion.version, newest.digest, newest.origin_at)
        statements = self._made.get(key)
        if statements is None:
            statements = _statements(champion, newest)
            if len(self._made) >= _CACHED:
                self._made.clear()
            self._made[key] = statements
        return statements


class Endpoints:
    """What the server answers, from what it holds.

    Args:
        settings: when answers grow stale.
        database: with quotes, closes and the prediction log.
        champions: of the tokens that have one of their own.
        everyone: the global model's champions and baseline.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        champions: Champions,
        everyone: GlobalForecasts,
        clock: Clock,
    ) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._champions, self._everyone = champions, everyone
        self._forecasts = Forecasts()

    def health(self, _: Request) -> Response:
        """Whose forecasts are loaded."""
        symbols = sorted({*self._champions.symbols(), *self._everyone.symbols()})
        return _json({"status": "healthy", "models_loaded": len(symbols), "models": symbols})

    def predict(self, request: Request) -> Response:
        """The forecast of a token at a horizon, anchored at its newest price."""
        horizon, now = _horizon(request.query_params.get("days", "1")), self._clock()
        with self._database.connection() as conn:
            token = _token(conn, request.path_params["symbol"])
            statement, reason = self._statement(conn, token, horizon)
            anchor = anchors.of(conn, token, statement, now, self._settings.market_stale_seconds)
        answer = responses.answer(
            statement, anchor, reason=reason, now=now, expiry_days=self._settings.ml_expiry_days
        )
        FORECASTS.labels(statement.rung).inc()
        return _json(answer)

    def _statement(
        self, conn: Connection, token: Token, horizon: int
    ) -> tuple[Statement, str | None]:
        """What the highest rung that stands says, and why no global champion does. Raises HTTPException 503."""
        champion = self._everyone.champion(token.id, horizon)
        if champion is not None:
            return champion, None
        own, reasons = self._own(conn, token)
        reasons.insert(0, self._everyone.reason(horizon))
        is_behind = self._champions.is_behind(token.id, horizon)
        statements = {
            Rung.TOKEN_CHAMPION: own[HORIZONS.index(horizon)] if own else None,
            Rung.GLOBAL_BASELINE: self._everyone.baseline(token.id, horizon),
        }
        rung = ladder.choose(
            champion=False,
            of_token=statements[Rung.TOKEN_CHAMPION] is not None,
            baseline=statements[Rung.GLOBAL_BASELINE] is not None,
            is_behind=is_behind,
        )
        if own and rung is Rung.GLOBAL_BASELINE:
            reasons.append(f"{token.symbol}'s own model lost more on the same days")
        statement = None if rung is None else statements[rung]
        if statement is None:
            raise _nobody(conn, token, reasons)
        return statement, "; ".join(reasons)

    def _own(self, conn: Connection, token: Token) -> tuple[list[Statement], list[str]]:
        """What the token's own champion says of all horizons, and what is wrong where it says nothing though it should."""
        champion = self._champions.of(token.id)
        if champion is None:
            return [], list(filter(None, [self._champions.lost(token.id)]))
        try:
            return self._forecasts.of(champion, history.latest(conn, token)), []
        except ModelError as error:
            return [], [str(error)]


def create_app(
    settings: Settings,
    *,
    database: Database,
    champions: Champions,
    clock: Clock = utc_now,
    refresher: Refresher | None = None,
    everyone: GlobalForecasts,
) -> Starlette:
    """The server as an ASGI application; it starts `refresher`, waits for its first round, and opens and closes `database`. See `Endpoints`."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with database:
            if refresher is not None:
                refresher.start()
                await asyncio.to_thread(refresher.await_first, _LOADED_SECONDS)
            yield
            if refresher is not None:
                refresher.stop()

    endpoints = Endpoints(
        settings, database=database, champions=champions, everyone=everyone, clock=clock
    )
    return Starlette(
        routes=[Route("/health", endpoints.health), Route("/predict/{symbol}", endpoints.predict)],
        exception_handlers=_HANDLERS,
        lifespan=lifespan,
    )


def reading_pool(settings: Settings) -> Database:
    """The server's connections.

    It only reads, and no two of its statements need one snapshot: so none begins a transaction, and an answer takes two round
    trips where it would take four.
    """
    return Database(
        settings.dsn,
        size=settings.database_pool_size,
        statement_timeout_ms=_STATEMENT_TIMEOUT_MS,
        begins_itself=False,
    )


def main() -> None:
    """Serve until the process is told to stop."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "ml")
    traces.start(settings, "ml")
    champions = Champions(settings)
    database = reading_pool(settings)
    everyone = GlobalForecasts(settings, database, utc_now)
    app = create_app(
        settings,
        database=database,
        champions=champions,
        refresher=Refresher((champions, everyone), settings.ml_refresh_seconds),
        everyone=everyone,
    )
    for each in (ModelFigures(champions, everyone), PoolFigures(database)):
        REGISTRY.register(each)
    exposition.serve(settings, settings.ml_metrics_port)
    garbage.spare_what_is_loaded()
    level = settings.log_level.lower()
    asgi_server.serve(app, settings, "ml", settings.ml_port, log_level=level, public=("/health",))


def _statements(champion: Champion, newest: History) -> list[Statement]:
    return [
        Statement(
            Rung.TOKEN_CHAMPION,
            champion.info,
            expected,
            newest.price_source,
            newest.digest,
            responses.quality_of_scores(champion, expected),
        )
        for expected in token_forecasting.distributions(champion, newest)
    ]


def _nobody(conn: Connection, token: Token, reasons: list[str]) -> HTTPException:
    """503 with the sentence that helps most: that the token is too young, else why no rung stands."""
    row = conn.execute(_REAL_DAYS, {"token_id": token.id}).fetchone()
    days = row[0] if row else 0
    if days < CONTEXT:
        detail = f"{token.symbol} has {days} days of real prices; a forecast needs {CONTEXT}"
        return HTTPException(503, detail)
    return HTTPException(503, f"No model can speak of {token.symbol}: {'; '.join(reasons)}")


def _token(conn: Connection, symbol: str) -> Token:
    """The token of a symbol. Raises HTTPException 404."""
    try:
        return tokens.by_symbol(conn, symbol)
    except LookupError:
        raise HTTPException(404, f"Token {symbol} not found") from None


def _horizon(text: str) -> int:
    if text not in map(str, HORIZONS):
        raise HTTPException(400, f"days must be one of {', '.join(map(str, HORIZONS))}")
    return int(text)


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(responses.encode(value), status, media_type="application/json")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json({"error": error.detail}, error.status_code)


async def _no_forecast(_: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 503)


async def _no_database(_: Request, error: Exception) -> Response:
    _log.warning("database_unavailable", reason=str(error))
    return _json({"error": "The price history cannot be read at present"}, 503)


async def _failed(_: Request, error: Exception) -> Response:
    _log.error("request_failed", exc_info=error)
    return _json({"error": "Internal error"}, 500)


_HANDLERS: dict[Any, Callable[[Request, Exception], Any]] = {
    HTTPException: _refused,
    ModelError: _no_forecast,
    psycopg.Error: _no_database,
    PoolTimeout: _no_database,
    Exception: _failed,
}


if __name__ == "__main__":
    main()
