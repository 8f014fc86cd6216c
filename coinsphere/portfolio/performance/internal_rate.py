"""Internal rates of return: growth rates at which cash flows are worth nothing; none, one or several. No I/O; floats, as a root is no sum."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from mpmath import fp

ROUNDING = 1e-12
"""What is nearer to zero may be zero."""

Floats = npt.NDArray[np.float64]

_LOGS = 0.02 * np.sinh(np.linspace(-17.3, 17.3, 2_400))
"""Logarithms of growth among which roots are looked for: dense around none, and as far as a day among thousands and all digits of an amount lead."""
_AT_ONCE = 20_000
"""Discounts that are held at a time."""
_DEEPEST = 2
"""The derivative whose roots lie apart by more than `_LOGS` do: three roots of flows have two of the first between them, and one of the second."""


def find(times: Floats, amounts: Floats) -> list[float]:
    """Logarithms of the growth from time 0 to 1 at which flows are worth nothing at the start, ascending.

    One where they come down to nothing and rise again, as far as floats can tell, stands twice.

    Args:
        times: when each flow is, from 0 to 1, ascending, shape [flows].
        amounts: the flows, money put in negative, the largest of size 1, shape [flows].
    """
    first, last = float(_LOGS[0]), float(_LOGS[-1])
    if _worth(times, amounts, first) * _worth(times, amounts, last) < 0:
        root = _root(times, amounts, first, last)
        if _is_invested_throughout(times, amounts, root):
            return [root]
    return list(_roots(times, amounts))


def _discounts(times: Floats, logs: Floats) -> Floats:
    """What one unit of each flow is worth at the start, or where that is more, at the end; shape [logs, flows]."""
    logs = logs[:, np.newaxis]
    return np.exp(-logs * (times - (logs <= 0)))


def _worth(times: Floats, amounts: Floats, log: float) -> float:
    return float((_discounts(times, np.array([log])) @ amounts)[0])


def _root(times: Floats, amounts: Floats, low: float, high: float) -> float:
    def worth(log: float) -> float:
        return _worth(times, amounts, log)

    # Solvers that use secants leave the bracket, or take what is flat and nearly worthless for a root.
    halved = {"solver": "bisect", "tol": ROUNDING / 100, "maxsteps": 100, "verify": False}
    return float(fp.findroot(worth, (low, high), **halved))


def _is_invested_throughout(times: Floats, amounts: Floats, root: float) -> bool:
    """Whether money is surely in at all times: then there is no other rate (Soper 1959, "The marginal efficiency of capital").

    A balance that is next to nothing by its worth at the start may be much at its time.
    """
    worths = _discounts(times, np.array([root]))[0] * amounts
    noise = np.finfo(float).eps * len(worths) * np.abs(worths).sum()
    return bool((np.cumsum(worths)[:-1] < -noise).all())


def _roots(times: Floats, amounts: Floats, order: int = 0) -> Iterator[float]:
    """All roots: between two roots of the derivative there is no more than one."""
    between = () if order == _DEEPEST else _roots(times, -times * amounts, order + 1)
    logs = np.sort(np.concatenate([_LOGS, np.fromiter(between, float)]))
    low, low_sign, touched = 0.0, 0.0, None
    for log, sign in zip(logs.tolist(), _signs(times, amounts, logs), strict=True):
        if not sign:
            touched = log
            continue
        if sign * low_sign < 0:
            yield _root(times, amounts, low, log)
        elif touched is not None and low_sign:
            yield from (touched, touched)
        low, low_sign, touched = log, sign, None


def _signs(times: Floats, amounts: Floats, logs: Floats) -> Iterator[float]:
    """Of the worth at each of these; zero where it is not more than what roundings of the sum may come to."""
    for some in np.array_split(logs, 1 + len(logs) * len(times) // _AT_ONCE):
        discounts = _discounts(times, some)
        worths = discounts @ amounts
        noise = np.finfo(float).eps * len(times) * (discounts @ np.abs(amounts))
        yield from np.where(np.abs(worths) <= noise, 0, np.sign(worths)).tolist()
