"""Internal rates of return: growth rates at which cash flows are worth nothing; none, one or several. No I/O; floats, as a root is no sum."""

import numpy as np
import numpy.typing as npt

ROUNDING = 1e-12
"""What is nearer to zero may be zero."""

Floats = npt.NDArray[np.float64]

_LOGS = 0.02 * np.sinh(np.linspace(-8.7, 8.7, 1_200))
"""Logarithms of growth among which roots are looked for: dense around none, and far beyond any rate that is given."""


def find(times: Floats, amounts: Floats) -> list[float]:
    """Logarithms of the growth from time 0 to 1 at which flows are worth nothing at the start, ascending.

    Two roots that are nearer to each other than 1.5 % of their size may be taken for none.

    Args:
        times: when each flow is, from 0 to 1, ascending, shape [flows].
        amounts: the flows, money put in negative, the largest of size 1, shape [flows].
    """
    from scipy import optimize  # noqa: PLC0415 - who only loads the definitions of Dagster pays for no root

    def worth(log: float) -> float:
        return float(amounts @ np.exp(-log * times))

    first, last = float(_LOGS[0]), float(_LOGS[-1])
    if worth(first) * worth(last) < 0:
        root = float(optimize.brentq(worth, first, last, xtol=ROUNDING / 100))
        if _is_invested_throughout(times, amounts, root):
            return [root]
    signs = np.sign([worth(float(log)) for log in _LOGS])
    return [
        float(optimize.brentq(worth, _LOGS[at], _LOGS[at + 1], xtol=ROUNDING / 100))
        for at in np.flatnonzero(signs[:-1] * signs[1:] < 0)
    ]


def _is_invested_throughout(times: Floats, amounts: Floats, root: float) -> bool:
    """Whether money is in at all times: then there is no other rate (Soper 1959, "The marginal efficiency of capital")."""
    balances = np.cumsum(amounts * np.exp(-root * times))
    return bool((balances[:-1] <= ROUNDING).all())
