"""Shifts the clock of the process that finds this folder on its path, by the seconds that a file holds.

Python runs this module before any other. libfaketime is no way: with it `time.sleep` of Python 3.11 fails unless the monotonic
clock jumps, too, which no machine's does.
"""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from coinsphere import clock

_FILE = Path(os.environ["CHAOS_CLOCK"])
_now, _time = clock.utc_now, time.time


def _shift() -> float:
    return float(_FILE.read_text() or 0)


def _shifted_now() -> datetime:
    return _now() + timedelta(seconds=_shift())


clock.utc_now = _shifted_now
time.time = lambda: _time() + _shift()
