"""Student's t distribution: the level of a score, and the score of a level. Pure; floats.

SciPy has both, and brings 75 MB and a fifth of the imports of an API that needs nothing else of it (docs/adr/0391).
The tail beyond x is the share of the integral of sin^(v-1) from 0 to arctan(sqrt(v) / x) in that to a right angle,
found by the double exponential rule (Takahasi and Mori 1974), whose nodes crowd at the ends.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_REACH = 3.7
_NODES = 97
_STEPS = 60
"""More than Newton's method ever needs: it takes some seven."""
_EXACT = 1e-13

_AT = np.linspace(-_REACH, _REACH, _NODES)
_PLACES = 1 / (1 + np.exp(-np.pi * np.sinh(_AT)))
_WEIGHTS = (_AT[1] - _AT[0]) * np.pi * np.cosh(_AT) * _PLACES * (1 - _PLACES)


def levels(degrees: float, scores: Floats) -> Floats:
    """How probable it is that a draw is at most each of these scores."""
    tails = _tails(degrees, np.abs(scores))
    return np.where(scores < 0, tails, 1 - tails)


def scores(degrees: float, levels: Floats) -> Floats:
    """The scores that are not exceeded with these probabilities, between 0 and 1; `degrees` are at least 1.

    A tail to the power of -1/degrees is convex in the score and soon a line, so that Newton's method cannot fail.
    """
    wanted = np.minimum(levels, 1 - levels)
    sizes = np.zeros_like(wanted)
    for _ in range(_STEPS):
        tails = _tails(degrees, sizes)
        excess = degrees * tails * (1 - (tails / wanted) ** (1 / degrees))
        moves = excess / _densities(degrees, sizes)
        sizes = sizes - moves
        if np.all(np.abs(moves) <= _EXACT * (1 + sizes)):
            break
    return np.copysign(sizes, levels - 0.5)


def _tails(degrees: float, sizes: Floats) -> Floats:
    angles = np.arctan2(np.sqrt(degrees), sizes)
    return 0.5 * _integral(degrees, angles) / _integral(degrees, np.array(np.pi / 2))


def _densities(degrees: float, sizes: Floats) -> Floats:
    whole = 2 * np.sqrt(degrees) * _integral(degrees, np.array(np.pi / 2))
    return np.asarray((1 + sizes**2 / degrees) ** (-(degrees + 1) / 2) / whole)


def _integral(degrees: float, angles: Floats) -> Floats:
    """Of sin^(degrees-1) from 0 to each angle."""
    sines = np.sin(angles[..., np.newaxis] * _PLACES)
    return np.asarray(angles * (sines ** (degrees - 1) @ _WEIGHTS))
