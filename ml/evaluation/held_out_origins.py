"""The forecasts behind an evaluation's figures, one for each token, horizon and day that was scored."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ml.data.features import FeatureSet, Floats, Mask
from ml.data.horizons import HORIZONS
from ml.evaluation.origin import Origin
from ml.models.student import Student

KEPT_DAYS = 365
"""Of a walk-forward's origins, the newest that are kept."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a model would have published on each day of a walk-forward.

    Attributes:
        student: the distributions, shape [tokens, days, HORIZONS].
        widths: probabilities at which intervals were cut, with a last axis of NOMINAL.
    """

    student: Student
    widths: Floats

    def quantiles(self) -> Floats:
        """Log returns at LEVELS, the last axis."""
        narrow, wide = self.widths[..., 0], self.widths[..., 1]
        levels = ((1 - wide) / 2, (1 - narrow) / 2, None, (1 + narrow) / 2, (1 + wide) / 2)
        stacked: Floats = np.stack(
            [
                self.student.location if level is None else self.student.quantile(level)
                for level in levels
            ],
            axis=-1,
        )
        return stacked


def of_walk_forward(
    features: FeatureSet, first: int, published: Published, scored: Mask
) -> Iterator[Origin]:
    """The newest `KEPT_DAYS` of the scored origins.

    Args:
        features: of the panel, whose tokens have ids.
        first: position of the first day of the arrays.
        published: shape [tokens, days, ...].
        scored: which of them have an outcome, shape [tokens, days, HORIZONS].
    """
    panel, unit = features.panel, features.unit[:, first : first + scored.shape[1]]
    quantiles = published.quantiles()
    for token, day, place in np.argwhere(scored):
        if day < scored.shape[1] - KEPT_DAYS:
            continue
        yield Origin(
            panel.token_ids[token],
            HORIZONS[place],
            panel.closed_at(first + int(day)),
            tuple(quantiles[token, day, place].tolist()),
            float(np.log(unit[token, day, place])),
        )
