"""The rate-limit windows of a caller: their limits, and the used part of each."""

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A rate limit as it applies to one caller.

    Attributes:
        name: of the limit, as headers tell it.
        caller: who is counted.
        amount: of requests.
        seconds: the span that moves.
        cost: as how many requests this one counts.
        counts: whether it is counted now; else it is only asked whether it might be.
    """

    name: str
    caller: str
    amount: int
    seconds: int
    cost: int = 1
    counts: bool = True

    @property
    def key(self) -> str:
        """The key of the window."""
        return f"limit:{self.name}:{self.seconds}:{self.caller}"


@dataclass(frozen=True, slots=True)
class Standing:
    """The number of requests left in a window, and when (seconds since the epoch) its oldest leaves it."""

    window: Window
    left: int
    reset_at: float

    @property
    def seconds_left(self) -> int:
        """Until then, at least 1 and at most the window's span."""
        # Windows are counted by the machine's clock, so is what is left.
        return min(self.window.seconds, max(1, math.ceil(self.reset_at - time.time())))
