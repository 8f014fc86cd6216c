"""What a live forecast starts from: the last final closes of a token, and the exact price of the last."""

import zlib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import numpy as np
from psycopg import Connection

from coinsphere.market.model import Token
from ml.data import datasets, snapshots
from ml.data.datasets import TrainingSet, on_calendar
from ml.data.horizons import CONTEXT
from ml.data.windows import Floats, complete
from ml.errors import BadHistory, ModelError, TooLittleHistory

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
    closes: TrainingSet = field(repr=False)
    """What it was made from."""

    @property
    def digest(self) -> str:
        """Of the closes: two histories of the same digest give the same forecast."""
        return self.closes.digest


def latest(conn: Connection, token: Token) -> History:
    """The newest history of a token.

    Raises:
        TooLittleHistory: fewer than CONTEXT days, or too many of them are gaps.
        BadHistory: a close is not a positive finite number.
    """
    training_set = datasets.load(conn, token, _LOOK_BACK)
    return of(training_set, datasets.close_on(conn, token, training_set.last_day))


def of(training_set: TrainingSet, reference_price: Decimal) -> History:
    """The history that ends with a set's last day, whose exact close is `reference_price`.

    Raises:
        TooLittleHistory: fewer than CONTEXT days, or too many of them are gaps.
    """
    closes, known = on_calendar(training_set.days, training_set.closes)
    if not complete(known)[-1]:
        raise TooLittleHistory(
            f"{training_set.token.symbol} has {int(known.sum())} final daily closes from {training_set.first_day} to {training_set.last_day}; "
            f"a forecast needs the last {CONTEXT} days with few gaps"
        )
    return History(
        token=training_set.token,
        window=np.log(closes[-CONTEXT:])[None],
        reference_price=reference_price,
        origin_at=training_set.data_cutoff,
        price_source=training_set.price_source,
        closes=training_set,
    )


def keep(conn: Connection, history: History) -> None:
    """Store the closes themselves, so that a forecast can be reproduced."""
    snapshots.keep(conn, history.closes, zlib.compress(history.closes.csv().encode()))


def kept(conn: Connection, token: Token, digest: str, price_source: str) -> TrainingSet:
    """The closes stored under a digest, after comparing them with it.

    Raises:
        ModelError: they are not kept, or were changed.
    """
    try:
        text = zlib.decompress(snapshots.content(conn, digest)).decode()
        training_set = datasets.from_csv(
            token, text, price_source=price_source, location="model.snapshots"
        )
    except (zlib.error, UnicodeDecodeError, BadHistory, TooLittleHistory) as error:
        raise ModelError(f"the closes {digest} were changed: {error}") from error
    if training_set.digest != digest:
        raise ModelError(f"the closes {digest} were changed: their digest is {training_set.digest}")
    return training_set
