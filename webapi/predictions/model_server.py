"""Fetches forecasts from the model server over HTTP, and validates them against their agreed schema."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

import httpx2
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from coinsphere import log
from coinsphere.settings import Settings
from webapi.http import errors, json
from webapi.http.schema import camel

LEVELS = ("0.025", "0.1", "0.5", "0.9", "0.975")

_log = log.get("webapi.model_server")
_NOT_FOUND = 404

Price = Annotated[Decimal, Field(gt=0)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=camel)


class Model(_Answer):
    """The model that made a forecast, as which rung of the ladder (None of one of the past), and what it was made from."""

    rung: Literal["global_champion", "token_champion", "global_baseline"] | None
    name: str
    version: str | int
    run_id: str
    trained_at: AwareDatetime | None
    data_cutoff: AwareDatetime | str | None
    code_version: str | None
    data_digest: str | None = None


class Quality(_Answer):
    """What the model reached on data that it had not seen."""

    coverage80: Decimal | None
    coverage95: Decimal | None
    skill_vs_naive: Decimal | None
    evaluated_on: str | None
    in_distribution: bool | None
    beats_naive: bool | None
    validated: bool | None
    reason: str | None


class Forecast(_Answer):
    """A forecast as a distribution; prices in US dollars."""

    symbol: str
    days_ahead: int
    algorithm: str
    reference_price: Price
    origin_at: AwareDatetime
    anchored_at: AwareDatetime
    issued_at: AwareDatetime
    target_at: AwareDatetime
    quantiles: dict[str, Price]
    model: Model
    quality: Quality
    expires_at: AwareDatetime
    stale: bool
    price_source: str
    prediction_id: UUID | None = None
    factors: list[str] = Field(default_factory=list)
    is_of_log: bool = False
    """Whether it is what was issued after a close, and not the model server's own answer."""

    def quantile(self, level: str) -> Decimal:
        """The price that is not exceeded with probability `level`."""
        return self.quantiles[level]


class Away(errors.Problem):
    """The model server does not answer: 503 where nothing else does either."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "no prediction: the model server does not answer",
            code="model-server-away",
            headers=errors.COME_BACK,
        )


def forecast(
    client: httpx2.Client, settings: Settings, symbol: str, days: int, now: datetime
) -> Forecast:
    """The champion's forecast of a token that we know.

    Raises:
        Away: it does not answer.
        errors.Problem: 503 with the reason: no champion, or an answer that makes no sense.
    """
    url = f"{settings.model_server_url}/predict/{quote(symbol, safe='')}"
    try:
        answer = client.get(url, params={"days": days}, headers=settings.service_headers)
    except httpx2.HTTPError as error:
        _log.warning("no answer", kind=type(error).__name__)
        raise Away from error
    if not answer.is_success:
        raise _refused(answer)
    return _checked(answer.content, symbol, days, now)


def _checked(body: bytes, symbol: str, days: int, now: datetime) -> Forecast:
    try:
        forecast = Forecast.model_validate(json.loads(body))
        prices = [forecast.quantiles[level] for level in LEVELS]
    except (ValueError, ValidationError, KeyError) as error:
        _log.error("answer makes no sense", kind=type(error).__name__)
        raise _nonsense() from error
    if prices != sorted(prices) or forecast.symbol != symbol or forecast.days_ahead != days:
        _log.error("answer contradicts itself or the question", asked=symbol)
        raise _nonsense()
    # What has expired is marked, whoever should have noticed it first.
    return forecast.model_copy(update={"stale": forecast.stale or forecast.expires_at <= now})


def _refused(answer: httpx2.Response) -> errors.Problem:
    """503 with the model server's own reason."""
    try:
        reason = json.loads(answer.content)["error"]
    except (ValueError, KeyError, TypeError):
        reason = None
    if not isinstance(reason, str) or answer.status_code not in (_NOT_FOUND, 503):
        return _nonsense()
    return errors.unavailable(f"no prediction: {reason[:300]}", code="no-prediction")


def _nonsense() -> errors.Problem:
    return errors.unavailable(
        "no prediction: the model server's answer makes no sense", code="model-server-fault"
    )
