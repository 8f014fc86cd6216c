"""What a version of the global model expects of the tokens of a panel, and the forecasts that follow from it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from coinsphere.market.anchoring import price
from ml.data import features as feature_module
from ml.data import volatility
from ml.data.features import NAMES, FeatureSet, Floats
from ml.data.horizons import HORIZONS, LEVELS
from ml.data.panel import Panel
from ml.evaluation.scoring import NOMINAL
from ml.models import gk_har_t
from ml.models.combination import Combination
from ml.models.gk_har_t import GkHarT
from ml.models.interface import GlobalModel
from ml.models.pooled_linear import PooledLinear
from ml.models.random_walk import RandomWalk
from ml.models.student import Student
from ml.registry.global_registry import Loaded
from ml.registry.global_version import GlobalVersion
from ml.serving.forecasting import Basis, Forecast, forecast

_NAMED = 3
"""Inputs that are named as factors."""
_YEAR = 365
_WORTH_NAMING = 0.005
"""Least share by which an input must move the scale to be named."""


LOGGED = (
    "location",
    "log_scale",
    "reference_log_scale",
    "degrees",
    "width80",
    "width95",
    "in_distribution",
)
"""Parameters that the prediction log keeps."""


@dataclass(frozen=True, slots=True)
class StudentReturns:
    """A `Distribution` that is a Student t of the log return.

    Attributes:
        symbol: of the token.
        horizon_days: from the origin.
        origin_at: close of the last day that it knows.
        location: the t's centre.
        log_scale: log of the t's scale.
        reference_log_scale: the same of the normal that skill is measured against.
        degrees: of freedom.
        width80: probability at which the 80 % interval is cut.
        width95: the same of 95 %.
        in_distribution: whether the day is of a kind that the model was trained on.
        factors: which inputs moved the scale, and by how much.
    """

    symbol: str
    horizon_days: int
    origin_at: datetime
    location: float
    log_scale: float
    reference_log_scale: float
    degrees: float
    width80: float
    width95: float
    in_distribution: bool
    factors: tuple[str, ...]

    def quantiles(self, reference: Decimal, share: float = 1.0) -> dict[str, Decimal]:
        """Prices by level.

        Args:
            reference: the price that the forecast is anchored on.
            share: of the horizon that is still to come; what has passed moves the price no more.
        """
        cuts = np.array([self._cut(level) for level in LEVELS])
        returns = self._student(share).quantile(cuts)
        return {
            str(level): price(reference, float(each))
            for level, each in zip(LEVELS, returns, strict=True)
        }

    def parameters(self) -> dict[str, object]:
        """The t, where its intervals are cut, and the normal that it is measured against."""
        return {name: getattr(self, name) for name in LOGGED}

    def _student(self, share: float) -> Student:
        """The distribution of what is still to come: its centre shrinks with the time left, its width with the root."""
        return Student(
            np.array([self.location * share]),
            np.array([np.exp(self.log_scale) * share**0.5]),
            np.array([self.degrees]),
        )

    def _cut(self, level: float) -> float:
        """The level of the distribution itself that is published as `level`."""
        width = {0.8: self.width80, 0.95: self.width95}.get(round(abs(2 * level - 1), 9))
        return level if width is None else 0.5 + np.sign(level - 0.5) * width / 2


def distributions(version: GlobalVersion, panel: Panel) -> list[StudentReturns]:
    """What the version expects of every token at all horizons, each from the last day on which it can be forecast from.

    That is the panel's last day for most; one whose candles end before is answered for from there, and its `origin_at`
    tells so. A token that was never old enough has none.
    """
    features = feature_module.build(panel)
    columns = np.arange(features.usable.shape[1])
    newest = np.where(features.usable, columns, -1).max(axis=1)
    return [
        each
        for day in sorted(set(newest.tolist()) - {-1}, reverse=True)
        for each in _distributions(version, features, int(day), np.flatnonzero(newest == day))
    ]


def _distributions(
    version: GlobalVersion, features: FeatureSet, day: int, places: NDArray[np.int64]
) -> Iterator[StudentReturns]:
    """Those of the tokens at `places`, as seen when day `day` closed."""
    predicted = version.model.predict(features, day).at(np.s_[:, :1])
    familiar = version.novelty.is_familiar(features.inputs[:, day]) & ~features.pegged[:, day]
    named = factors(version.model, features, day)
    for place in places:
        symbol = features.panel.symbols[place]
        widths = version.conformal.widths(symbol)
        for at, horizon in enumerate(HORIZONS):
            yield StudentReturns(
                symbol=symbol,
                horizon_days=horizon,
                origin_at=features.panel.closed_at(day),
                location=float(predicted.location[place, 0, at]),
                log_scale=float(np.log(predicted.scale[place, 0, at])),
                reference_log_scale=float(np.log(features.unit[place, day, at])),
                degrees=float(predicted.degrees[place, 0, at]),
                width80=float(widths[at, NOMINAL.index(0.8)]),
                width95=float(widths[at, NOMINAL.index(0.95)]),
                in_distribution=bool(familiar[place]),
                factors=named[place][at],
            )


def forecasts(
    loaded: Loaded,
    panel: Panel,
    expected: Sequence[StudentReturns],
    closes: Mapping[UUID, Decimal],
    issued_at: datetime,
) -> list[Forecast]:
    """The forecasts of what a version expects of a panel's tokens.

    Args:
        loaded: the version.
        panel: what they are computed from.
        expected: its distributions.
        closes: the exact close that each token's forecasts start from, by its id.
        issued_at: now.
    """
    ids = dict(zip(panel.symbols, panel.token_ids, strict=True))
    bases = {
        symbol: Basis(token_id, closes[token_id], panel.price_source, panel.digest)
        for symbol, token_id in ids.items()
        if token_id in closes
    }
    return [forecast(loaded.info, each, bases[each.symbol], issued_at) for each in expected]


def factors(model: GlobalModel, features: FeatureSet, day: int) -> list[list[tuple[str, ...]]]:
    """The inputs that moved the scale most on a day, by token and horizon.

    They are those of the linear part: its log scale is a sum with one term for each input, so what a term adds against
    the mean of the training rows is its effect, exactly. So are those of the regression on ranges, against their year. A
    random walk has no other input than the volatility of the last weeks: there it is that against its year, and the last
    move's share in it.
    """
    linear = _linear(model)
    if linear is not None:
        away = features.inputs[:, day] - linear.means
        effects = away[:, None, :] * linear.weights[None]
        return [[_named(row, NAMES) for row in of_token] for of_token in effects]
    if isinstance(model, GkHarT):
        return [
            [_named(row, gk_har_t.NAMES) for row in of_token]
            for of_token in model.effects(features, day)
        ]
    if not isinstance(model, RandomWalk):
        return [[() for _ in HORIZONS] for _ in features.panel.symbols]
    year = features.volatility[:, max(day - _YEAR + 1, 0) : day + 1]
    moves = features.log_closes[:, day] - features.log_closes[:, max(day - 1, 0)]
    return [
        [volatility.named(days, float(move))] * len(HORIZONS)
        if np.isfinite(days[-1])
        else [()] * len(HORIZONS)
        for days, move in zip(year, moves, strict=True)
    ]


def _linear(model: GlobalModel) -> PooledLinear | None:
    parts: Sequence[GlobalModel] = model.parts if isinstance(model, Combination) else (model,)
    return next((part for part in parts if isinstance(part, PooledLinear)), None)


def _named(effects: Floats, names: Sequence[str]) -> tuple[str, ...]:
    changes = np.expm1(effects)
    order = np.argsort(-np.abs(changes))[:_NAMED]
    return tuple(
        f"{names[at]} {'widens' if changes[at] > 0 else 'narrows'} the range by {abs(changes[at]):.1%}"
        for at in order
        if abs(changes[at]) >= _WORTH_NAMING
    )
