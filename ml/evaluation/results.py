"""What training, evaluation and prediction give back: plain, picklable records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from coinsphere.market.model import Token
from ml.evaluation.held_out_origins import Origin


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A registered version of a model. `files` is its artifact as it is served; `plots` are PNG images by name."""

    token: Token
    algorithm: str
    name: str
    version: int
    run_id: str
    data_digest: str
    code_version: str
    files: Mapping[str, bytes] = field(repr=False)
    metrics: Mapping[str, float] = field(default_factory=dict)
    plots: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one model at one horizon on the test part. Losses are of log returns; coverages are fractions."""

    algorithm: str
    model_version: int
    run_id: str
    horizon_days: int
    first_origin: date
    last_origin: date
    forecasts: int
    pinball_loss: float
    mean_absolute_error: float
    skill_vs_naive: float
    coverage80: float
    coverage95: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of all models of a token on the same rows, and which one serves from now on."""

    token: Token
    model_name: str
    data_digest: str
    champion: TrainedModel
    scores: tuple[Score, ...]
    evaluated_at: datetime
    origins: tuple[Origin, ...] = field(default=(), repr=False)
    """What the champion forecast on the rows that it was scored on."""
    plots: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def of(self, algorithm: str) -> tuple[Score, ...]:
        """The scores of one algorithm, by horizon."""
        return tuple(score for score in self.scores if score.algorithm == algorithm)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast as the prediction log keeps it; prices in US dollars, quantiles by level."""

    token: Token
    horizon_days: int
    origin_at: datetime
    target_at: datetime
    issued_at: datetime
    reference_price: Decimal
    quantiles: Mapping[str, Decimal]
    model_name: str
    model_version: int
    algorithm: str
    run_id: str
    data_digest: str
    code_version: str
    price_source: str
    is_backfill: bool
    input_digest: str
    """Of the closes that it was computed from."""
    plots: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def median(self) -> Decimal:
        """The price that the outcome lies above as likely as below."""
        return self.quantiles["0.5"]

    @property
    def interval80(self) -> tuple[Decimal, Decimal]:
        """The central 80 % interval."""
        return self.quantiles["0.1"], self.quantiles["0.9"]

    @property
    def interval95(self) -> tuple[Decimal, Decimal]:
        """The central 95 % interval."""
        return self.quantiles["0.025"], self.quantiles["0.975"]
