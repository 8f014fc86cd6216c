"""Adam with decoupled weight decay (Loshchilov and Hutter 2019) by PyTorch's function, without its class.

The class imports PyTorch's compiler, which nothing here uses: 870 modules, a fifth of a training in a fresh process. The bits are
those of `torch.optim.AdamW(fused=True)` under `OneCycleLR`.
"""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

_MOMENTUM, _SQUARES, _EPSILON = 0.9, 0.999, 1e-8
_RISING = 0.3
"""Share of the steps of a cycle in which the rate rises."""
_BELOW_PEAK, _BELOW_START = 25.0, 1e4
_LEAST_MOMENTUM, _MOST_MOMENTUM = 0.85, 0.95


class AdamW:
    """Moves parameters along their gradients.

    Args:
        parameters: all of which get a gradient before each step.
        decay: of the weights; 0 is Adam.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], decay: float = 0.0) -> None:
        self._parameters: list[Tensor] = list(parameters)
        self._decay = decay
        self._means = [torch.zeros_like(each) for each in self._parameters]
        self._squares = [torch.zeros_like(each) for each in self._parameters]
        self._counts = [torch.zeros(()) for _ in self._parameters]

    def step(self, rate: float, momentum: float = _MOMENTUM) -> None:
        """Move all parameters once, and forget their gradients."""
        gradients = [each.grad for each in self._parameters if each.grad is not None]
        with torch.no_grad():
            adamw(
                self._parameters,
                gradients,
                self._means,
                self._squares,
                [],
                self._counts,
                fused=True,
                amsgrad=False,
                beta1=momentum,
                beta2=_SQUARES,
                lr=rate,
                weight_decay=self._decay,
                eps=_EPSILON,
                maximize=False,
            )
        for each in self._parameters:
            each.grad = None


def one_cycle(steps: int, peak: float) -> Iterator[tuple[float, float]]:
    """The learning rate and the momentum of each step: one rises while the other falls, and back (Smith and Topin 2018)."""
    start = peak / _BELOW_PEAK, _MOST_MOMENTUM
    top = peak, _LEAST_MOMENTUM
    end = start[0] / _BELOW_START, _MOST_MOMENTUM
    turn = _RISING * steps - 1
    for step in range(steps):
        if step <= turn:
            yield _between(start, top, step / turn)
        else:
            yield _between(top, end, (step - turn) / (steps - 1 - turn))


def _between(
    start: tuple[float, float], end: tuple[float, float], share: float
) -> tuple[float, float]:
    """The way from one to the other along half a wave of a cosine."""
    wave = math.cos(math.pi * share) + 1
    rate, momentum = (
        (to + (since - to) / 2.0 * wave) for since, to in zip(start, end, strict=True)
    )
    return rate, momentum
