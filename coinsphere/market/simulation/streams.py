"""Random generators by purpose, so that draws for one never change those for another.

Each stream is keyed by the market's seed, a name and a number (a year, an hour), so that any stretch of history
can be made alone and comes out the same whatever else is asked for.
"""

import hashlib

import numpy as np


def generator(seed: int, name: str, number: int) -> np.random.Generator:
    """The generator of the stream (`seed`, `name`, `number`)."""
    digest = hashlib.sha256(f"{name}:{number}".encode()).digest()
    words = np.frombuffer(digest, dtype=np.uint32).tolist()
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *words])))
