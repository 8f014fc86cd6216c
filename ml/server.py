"""The model server: champions in memory, a forecast computed when it is asked for. `python -m ml.server` runs it.

No torch and no pickle: models are JSON and ONNX whose digests were compared before they were read. A new champion is
loaded beside the old one by a thread and replaces it at once, so no request waits for it or fails.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
import uvicorn
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coinsphere import log
from coinsphere.clock import Clock, utc_now
from coinsphere.db.pool import Database
from coinsphere.guard.asgi import Guard
from coinsphere.market import tokens
from coinsphere.settings import Settings
from ml import answers, forecasting, history
from ml.champions import Champions, Refresher
from ml.errors import ModelError
from ml.history import History
from ml.horizons import HORIZONS
from ml.registry import Champion
from ml.results import Forecast
from ml.scale_service import GlobalForecasts

_STATEMENT_TIMEOUT_MS = 2_000
_CACHED: Final = 1_000

_log = log.get("ml.server")


class Forecasts:
    """Forecasts of the champions, computed once for each version and history."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int, str, datetime], tuple[list[Forecast], bool]] = {}

    def of(self, champion: Champion, newest: History, now: datetime) -> tuple[list[Forecast], bool]:
        """The forecasts of all horizons, and whether the model was trained on days like these."""
        key = (champion.model_name, champion.version, newest.digest, newest.origin_at)
        made = self._made.get(key)
        if made is None:
            familiar = bool(champion.forecaster.is_familiar(newest.window)[0])
            made = forecasting.forecasts(champion, newest, now), familiar
            if len(self._made) >= _CACHED:
                self._made.clear()
            self._made[key] = made
        return made


def create_app(
    settings: Settings,
    *,
    database: Database,
    champions: Champions,
    clock: Clock = utc_now,
    refresher: Refresher | None = None,
    everyone: GlobalForecasts | None = None,
) -> Starlette:
    """The server as an ASGI application; it starts `refresher` and opens and closes `database`.

    `everyone` are the outlooks of the global model: what it can speak of it answers, the champion of the token the rest.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with database:
            if refresher is not None:
                refresher.start()
            yield
            if refresher is not None:
                refresher.stop()

    forecasts = Forecasts()

    def health(_: Request) -> Response:
        symbols = sorted({*champions.symbols(), *(everyone.symbols() if everyone else ())})
        return _json({"status": "healthy", "models_loaded": len(symbols), "models": symbols})

    def predict(request: Request) -> Response:
        horizon = _horizon(request.query_params.get("days", "1"))
        if everyone is not None:
            found = _global(database, everyone, request.path_params["symbol"], horizon, clock())
            if found is not None:
                return _json(found)
        newest, champion = _inputs(database, champions, request.path_params["symbol"])
        now = clock()
        made, familiar = forecasts.of(champion, newest, now)
        return _json(
            answers.answer(
                champion,
                made[HORIZONS.index(horizon)],
                familiar=familiar,
                now=now,
                expiry_days=settings.ml_expiry_days,
            )
        )

    return Starlette(
        routes=[Route("/health", health), Route("/predict/{symbol}", predict)],
        exception_handlers=_HANDLERS,
        lifespan=lifespan,
    )


def main() -> None:
    """Serve until the process is told to stop."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    champions = Champions(settings)
    database = Database(
        settings.dsn,
        size=settings.database_pool_size,
        statement_timeout_ms=_STATEMENT_TIMEOUT_MS,
    )
    everyone = GlobalForecasts(settings, database, utc_now)
    app = create_app(
        settings,
        database=database,
        champions=champions,
        refresher=Refresher((champions, everyone), settings.ml_refresh_seconds),
        everyone=everyone,
    )
    uvicorn.run(
        Guard(app, settings, "ml", public=("/health",)),
        host=settings.bind_host,
        port=settings.ml_port,
        log_level=settings.log_level.lower(),
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def _inputs(database: Database, champions: Champions, symbol: str) -> tuple[History, Champion]:
    """The token's newest closes and its champion. Raises HTTPException 404 or 503 if there is none."""
    with database.connection() as conn:
        try:
            token = tokens.by_symbol(conn, symbol)
        except LookupError:
            raise HTTPException(404, f"Token {symbol} not found") from None
        champion = _required(champions, token.id, token.symbol)
        return history.latest(conn, token), champion


def _global(
    database: Database, everyone: GlobalForecasts, symbol: str, horizon: int, now: datetime
) -> dict[str, Any] | None:
    """What the global model says of the token; None where it says nothing. Raises HTTPException 404."""
    with database.connection() as conn:
        try:
            token = tokens.by_symbol(conn, symbol)
        except LookupError:
            raise HTTPException(404, f"Token {symbol} not found") from None
        return everyone.answer(conn, token.id, token.symbol, horizon, now)


def _required(champions: Champions, token_id: UUID, symbol: str) -> Champion:
    champion = champions.of(token_id)
    if champion is None:
        raise HTTPException(503, f"No evaluated model of {symbol} is loaded")
    return champion


def _horizon(text: str) -> int:
    if text not in map(str, HORIZONS):
        raise HTTPException(400, f"days must be one of {', '.join(map(str, HORIZONS))}")
    return int(text)


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(answers.encode(value), status, media_type="application/json")


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
