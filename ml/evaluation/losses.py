"""The losses of a walk-forward, forecast by forecast: what a later challenger is compared with."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.data.features import Floats
from ml.data.horizons import HORIZONS
from ml.evaluation.backtest import Backtest


@dataclass(frozen=True, slots=True)
class Losses:
    """CRPS of each forecast, shape [tokens, days, HORIZONS]; NaN where none was scored."""

    symbols: tuple[str, ...]
    days: np.ndarray[Any, np.dtype[np.datetime64]]
    crps: Floats

    @classmethod
    def of(cls, backtest: Backtest, model: str) -> "Losses":
        """Those of a model of a backtest."""
        panel = backtest.features.panel
        crps = np.where(backtest.scored, backtest.scores[model].crps, np.nan)
        return cls(panel.symbols, panel.days[backtest.first : backtest.end], crps)

    def npz(self) -> bytes:
        """As an archive of arrays."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            symbols=np.array(self.symbols),
            days=self.days.astype("<i8"),
            crps=self.crps.astype(np.float32),
        )
        return buffer.getvalue()

    @classmethod
    def from_npz(cls, content: bytes) -> "Losses":
        """What `npz` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            symbols = tuple(str(symbol) for symbol in arrays["symbols"])
            days = arrays["days"].astype("datetime64[D]")
            return cls(symbols, days, arrays["crps"].astype(np.float64))

    def on(
        self, symbols: tuple[str, ...], days: np.ndarray[Any, np.dtype[np.datetime64]]
    ) -> Floats:
        """The losses aligned to other tokens and days; NaN where a row has none."""
        aligned = np.full((len(symbols), len(days), len(HORIZONS)), np.nan)
        shared, at, here = np.intersect1d(days, self.days, return_indices=True)
        for place, symbol in enumerate(symbols):
            if symbol in self.symbols and len(shared):
                aligned[place, at] = self.crps[self.symbols.index(symbol), here]
        return aligned
