"""What a live forecast starts from: the last final closes of a token, and the exact price of the last."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from psycopg import Connection

from coinsphere.clock import start_of_day
from coinsphere.market.model import Token
from ml import datasets
from ml.datasets import on_calendar
from ml.errors import TooLittleHistory
from ml.horizons import CONTEXT
from ml.windows import Floats, complete

_LOOK_BACK = CONTEXT + 30
"""Days read: a window that ends on the last known day fits, though the newest days may be filled ones."""


@dataclass(frozen=True, slots=True)
class History:
    """`window` holds the last CONTEXT log closes, shape [1, CONTEXT]; `origin_at` is the instant of the last."""

    token: Token
    window: Floats = field(repr=False, compare=False)
    reference_price: Decimal
    origin_at: datetime
    price_source: str
    digest: str
    """Of the closes: two histories of the same digest give the same forecast."""


def latest(conn: Connection, token: Token) -> History:
    """The newest history of a token.

    Raises:
        TooLittleHistory: fewer than CONTEXT days, or too many of them are gaps.
        BadHistory: a close is not a positive finite number.
    """
    made = datasets.load(conn, token, _LOOK_BACK)
    closes, known = on_calendar(made.days, made.closes)
    if not complete(known)[-1]:
        raise TooLittleHistory(
            f"{token.symbol} has {int(known.sum())} final daily closes from {made.first_day} to {made.last_day}; "
            f"a forecast needs the last {CONTEXT} days with few gaps"
        )
    return History(
        token=token,
        window=np.log(closes[-CONTEXT:])[None],
        reference_price=datasets.close_on(conn, token, made.last_day),
        origin_at=start_of_day(made.last_day) + timedelta(days=1),
        price_source=made.price_source,
        digest=made.digest,
    )
