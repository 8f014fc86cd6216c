"""The global LSTM as it is trained: one small net for all tokens and horizons.

It says how far the scale of each horizon's return lies from what EWMA volatility alone would say. The last layer starts
at zero, so an untrained net is that baseline, and all that training does is to leave it as far as the data asks for.
The skip past the LSTM makes it a linear model with a correction.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ml.data.features import NAMES
from ml.data.horizons import HORIZONS
from ml.models.hyperparameters import Hyperparameters

START_DEGREES = 4.0
START_SHIFT = -0.35
"""Log of a t's scale against its own deviation at the degrees above."""


class GlobalLstmNetwork(nn.Module):
    """Standardised inputs [batch, days, NAMES] to shifts of the log scale [batch, days - first, HORIZONS]."""

    def __init__(self, parameters: Hyperparameters) -> None:
        super().__init__()
        self.entry = nn.Linear(len(NAMES), parameters.hidden)
        self.memory = nn.LSTM(parameters.hidden, parameters.hidden, batch_first=True)
        self.norm = nn.LayerNorm(parameters.hidden)
        self.dropout = parameters.dropout
        self.head = nn.Linear(parameters.hidden + len(NAMES), len(HORIZONS))
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, START_SHIFT)
        start = torch.full((len(HORIZONS),), START_DEGREES - 2.1)
        self.freedom = nn.Parameter(torch.log(torch.expm1(start)))

    def forward(self, inputs: Tensor, first: int = 0) -> Tensor:
        """The shifts of the days from `first` on; those before are only remembered."""
        state, _ = self.memory(torch.tanh(self.entry(inputs)))
        kept = self._dropped(self.norm(state[:, first:]))
        # Not joined and weighed at once: joining copies both, and so does its gradient.
        width, weight = kept.shape[2], self.head.weight
        own = linear(kept, weight[:, :width], self.head.bias)
        return own + linear(inputs[:, first:], weight[:, width:])

    def _dropped(self, state: Tensor) -> Tensor:
        """Dropout while it is trained; PyTorch's own takes four times as long to draw what is dropped."""
        if not self.training:
            return state
        return state * ((torch.rand_like(state) >= self.dropout) / (1 - self.dropout))

    def degrees(self) -> Tensor:
        """Degrees of freedom by horizon, above 2.1."""
        return 2.1 + nn.functional.softplus(self.freedom)


def negative_log_likelihood(
    shifts: Tensor, degrees: Tensor, outcomes: Tensor, known: Tensor
) -> Tensor:
    """Mean over the known outcomes, constants left out; outcomes are in units of EWMA volatility."""
    squares = (outcomes * torch.exp(-shifts)) ** 2
    peak = torch.lgamma(degrees / 2) - torch.lgamma((degrees + 1) / 2) + 0.5 * torch.log(degrees)
    losses = shifts + peak + (degrees + 1) / 2 * torch.log1p(squares / degrees)
    return (losses * known).sum() / known.sum()
