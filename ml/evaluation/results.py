"""What the steps of the pipeline give back: plain records, cheap to import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from coinsphere.market.model import Token
from ml.evaluation.origin import Origin

if TYPE_CHECKING:
    from ml.evaluation.backtest import Backtest
    from ml.evaluation.gate_report import GateReport
    from ml.models.artifact import TokenFacts


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
    behind: frozenset[int] = frozenset()
    """Horizons at which the global baseline, where one is registered, lost less on the same days, and serves."""
    origins: tuple[Origin, ...] = field(default=(), repr=False)
    """What the champion forecast on the rows that it was scored on."""
    facts: Mapping[str, "TokenFacts"] = field(default_factory=dict, repr=False)
    """What is known of each model that was scored, by algorithm."""
    plots: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def of(self, algorithm: str) -> tuple[Score, ...]:
        """The scores of one algorithm, by horizon."""
        return tuple(score for score in self.scores if score.algorithm == algorithm)


@dataclass(frozen=True, slots=True)
class TrainedGlobal:
    """A registered version of the global model, how it was judged, and its card."""

    version: int
    model: str
    run_id: str
    data_digest: str
    report: "GateReport"
    report_id: UUID
    serves: tuple[int, ...]
    """Horizons at which it serves from now on; where it passed beside a champion it waits in its shadow first."""
    backtest: "Backtest" = field(repr=False)
    card: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    page: str = ""
    """The address of its run in MLflow."""


@dataclass(frozen=True, slots=True)
class Issued:
    """How many forecasts were issued by which version, of how many tokens, and how many of them are public."""

    version: int
    model: str
    tokens: int
    forecasts: int
    public: int
